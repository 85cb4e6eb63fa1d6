"""Number words from 0 to 99 in English and French."""

from __future__ import annotations

from comic_eval.answers.normalise import words

_EN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_EN_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_FR = (
    "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit "
    "dix-neuf"
)
_FR_TENS = "vingt trente quarante cinquante soixante"


def _english() -> dict[str, int]:
    small = _EN.split()
    table = {word: value for value, word in enumerate(small)}
    for place, ten in enumerate(_EN_TENS.split(), start=2):
        table[ten] = 10 * place
        table |= {f"{ten} {small[unit]}": 10 * place + unit for unit in range(1, 10)}
    return table


def _french() -> dict[str, int]:
    small = [word.replace("-", " ") for word in _FR.split()]
    table = {word: value for value, word in enumerate(small)}
    for place, ten in enumerate(_FR_TENS.split(), start=2):
        table[ten] = 10 * place
        table |= {f"{ten} {small[unit]}": 10 * place + unit for unit in range(1, 20 if place == 6 else 10)}
        table[f"{ten} et un"] = 10 * place + 1
    table["soixante et onze"] = 71
    table["quatre vingts"] = 80
    table |= {f"quatre vingt {small[unit]}": 80 + unit for unit in range(1, 20)}
    return table | {"une": 1, "septante": 70, "huitante": 80, "octante": 80, "nonante": 90}


# Words that are whole numbers of times: "once" says one time.
TIMES = {"once": 1, "twice": 2, "thrice": 3}
NONE = frozenset({"none", "no", "nowhere", "never", "aucun", "aucune", "jamais", "nulle"})
VALUES: dict[str, int] = _english() | _french() | TIMES
FIRST_WORDS = frozenset({"single"} | {value.split()[0] for value in VALUES})
_WORD = "|".join(sorted((v.replace(" ", "[- ]") for v in VALUES), key=len, reverse=True))
WORD_PATTERN = rf"(?:{_WORD}|z[eé]ro)"
NUMBER = rf"(?:\d+|{WORD_PATTERN})"


def value_of(text: str) -> int | None:
    """The value of a number word such as ``"twenty-one"`` or ``"quatre-vingt-dix"``; None if it is no such word."""
    return VALUES.get(" ".join(words(text)))
