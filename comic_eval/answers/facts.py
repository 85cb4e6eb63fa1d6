"""Compares free answers with a reference and its facts by their words: no model, no network, the same every time.

A fact is covered if the answer has enough of its content words, outside of negated clauses unless the fact is negated
itself. This reads words, not meaning: synonyms are missed, and two facts told about the wrong persons pass.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator

from comic_eval.answers.denial import is_denied
from comic_eval.answers.normalise import canonical, words
from comic_eval.answers.numerals import value_of

_STOP = frozenset(
    words(
        # English
        "a an the this that these those it its he him his she her hers they them their who whom whose which what where "
        "when how is are was were be been being am do does did has have had having of in on at to for from by with and "
        "or but so as into onto over up down out off about there here than then while also very just some any one s t "
        "re ll ve d m will would can could may might must shall should i you we my your our both each if because since "
        "after before something someone hold carry wear stand show see look say tell make get give go "
        # French
        "le la les l un une des du de d au aux ce cet cette ces c il elle ils elles on lui leur se s sa son ses y en "
        "qui que qu quoi dont ou est sont etait etaient etre a ont avait avoir fait faire dans sur sous avec pour par "
        "et mais donc plus tres tout toute tous toutes aussi comme si car parce puis alors chez vers pendant quand "
        "quel quelle quels quelles ca cela mon ma mes ton ta tes notre votre j je tu nous vous m te me tenir tient "
        "porter porte porta voir voit montrer montre dire dit mettre met donner donne aller va"
    )
)
_NEGATIONS = frozenset(
    words(
        "not no never nothing nobody none neither nor without cannot silent silently "
        "pas jamais rien personne aucun aucune ni sans non muet muette"
    )
)
_ALTERNATIVES = re.compile(r"\s/\s")
_ASIDE = re.compile(r"\(([^()]*)\)")
_CLAUSE = re.compile(r"[.;:!?,]\s|[.;:!?]$|\n|\b(?:and|but|whereas|et|mais|tandis)\b")
_SENTENCE = re.compile(r"(?<=[.!?;])\s|\n|\b(?:but|instead|mais|en revanche)\b")
_SUFFIXES = words(
    "ements ement ations ation ingly ings ing edly ed ies ied ees ee es ently ly ants ant ents ent eurs eur euses euse "
    "er ers ait aient e s x"
)
_SHARE = 0.5
_SHORTEST_STEM = 3
_NEGATIVE = re.compile(r"(?<![^\s(\"'«“:=])[-−‒](?=\d)\d+")
_COMMON_PREFIX = 5


def stem(word: str) -> str:
    """A crude common stem of English and French forms: ``holding`` and ``holds`` give ``hold``."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            word = word[: -len(suffix)]
            break
    # stopped -> stopp -> stop
    return word[:-1] if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "aeious" else word


def _spaced(text: str) -> str:
    """Thousands in one, units apart: "50 000Ko" and "50,000 Ko" as "50000 Ko"."""
    joined = re.sub(r"(?<=\d)[ ,.'](?=\d{3}(?!\d))", "", canonical(text))
    return re.sub(r"(?<=\d)(?=[^\W\d_])", " ", joined)


def content(text: str) -> list[str]:
    """The stems of the words that carry meaning."""
    found = [stem(w) for w in words(_spaced(text)) if w not in _STOP and w not in _NEGATIONS]
    return [w for w in found if w not in _STOP]


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    common = min(len(one), len(other))
    return (
        common >= _COMMON_PREFIX and one[:_COMMON_PREFIX] == other[:_COMMON_PREFIX] and abs(len(one) - len(other)) <= 3
    )


def _has(word: str, said: Collection[str]) -> bool:
    return word in said or any(_alike(word, other) for other in said)


def is_negated(text: str) -> bool:
    """Whether a clause holds a negation."""
    return bool(_NEGATIONS.intersection(words(text))) or "n't" in canonical(text).casefold()


def clauses(text: str) -> Iterator[tuple[str, bool]]:
    """The clauses of a text, each with whether it is negated."""
    for sentence in _SENTENCE.split(_spaced(text)):
        denied = is_denied(sentence)
        for clause in _CLAUSE.split(sentence + " "):
            if any(c.isalnum() for c in clause):
                yield clause, denied or is_negated(clause)


def _groups(alternative: str) -> list[set[str]]:
    """What must be said: sets of words of which one is enough ("cries or wails", "pink/red").

    Words in parentheses explain the one before them, which they may replace.
    """
    text = _spaced(alternative)
    asides = [set(content(aside)) for aside in _ASIDE.findall(text)]
    text = _ASIDE.sub(" ", text)
    groups: list[set[str]] = []
    joined = False
    for item in re.findall(r"[^\s/]+|/", text):
        if item == "/" or item.casefold() in ("or", "ou"):
            joined = True
            continue
        stems = set(content(item))
        if stems and joined and groups:
            groups[-1] |= stems
        elif stems:
            groups.append(stems)
        joined = joined and not stems
    for aside in asides:
        if aside and groups:
            groups[-1] |= aside
        elif aside:
            groups.append(aside)
    return groups


def relevance(answer: str, *texts: str) -> float:
    """The share of the answer's content words that occur in the given texts; 1.0 for an answer without any."""
    known = {w for text in texts for w in content(text)}
    said = content(answer)
    return sum(_has(w, known) for w in said) / len(said) if said else 1.0


def _demanded(alternative: str) -> list[str]:
    """What no other word makes up for: numbers, and names (capitals inside the sentence)."""
    plain = _ASIDE.sub(" ", _spaced(alternative))
    names = re.findall(r"(?<=[\w,] )[^\W\d_a-zà-ÿ]\w+", plain)
    numbers = [w for w in words(plain) if w.isdigit() or value_of(w) is not None]
    return [w for text in (*names, *numbers) for w in content(text)]


def covers(answer: str, fact: str, question: str = "") -> bool:
    """Whether the answer states one of the fact's alternatives (separated by " / ").

    Words that the question already holds prove nothing and are not asked for, unless the fact has no others.
    """
    given = set(content(question))
    said = {negated: {w for c, n in clauses(answer) if n is negated for w in content(c)} for negated in (False, True)}
    for alternative in _ALTERNATIVES.split(fact):
        negated = is_negated(alternative)
        groups = _groups(alternative)
        needed = [g for g in groups if not any(_has(w, given) for w in g)] or groups
        if negated and not said[True] and not any(n for _, n in clauses(answer)):
            continue
        available = said[False] | said[True] if negated else said[False]
        if not all(_has(w, available) for w in _demanded(alternative)):
            continue
        hits = sum(any(_has(w, available) for w in group) for group in needed)
        if hits >= _SHARE * len(needed) and (hits or negated):
            return True
    return False


def token_f1(answer: str, reference: str) -> float:
    """F1 of the words of answer and reference as multisets (SQuAD's measure), articles and accents aside."""
    one, other = Counter(_plain(answer)), Counter(_plain(reference))
    common = (one & other).total()
    return 2 * common / (one.total() + other.total()) if common else 0.0


def _plain(text: str) -> list[str]:
    articles = {"a", "an", "the", "le", "la", "les", "l", "un", "une", "des", "du", "d"}
    return [w for w in words(canonical(text)) if w not in articles]


def is_same(answer: str, reference: str) -> bool:
    """Whether the two are the same words but for articles, case, accents, punctuation and a plural s.

    A minus before a number is no punctuation.
    """
    if _NEGATIVE.findall(answer) != _NEGATIVE.findall(reference):
        return False
    one = [w.rstrip("sx") if len(w) > _SHORTEST_STEM else w for w in _plain(answer)]
    other = [w.rstrip("sx") if len(w) > _SHORTEST_STEM else w for w in _plain(reference)]
    return bool(one) and one == other
