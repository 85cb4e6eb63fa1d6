"""Reads the letter of a choice out of a model's text.

The answer is taken from the first of these that gives one:

1. the ``<answer>`` tags (see `comic_eval.answers.tags`);
2. ``\\boxed{…}``, then JSON objects with an answer's key; all must agree;
3. the whole text, if it is a letter, a choice's text, or both;
4. statements: "the answer is B", "I choose B", "B is correct"; in prose the last one counts, since people correct
   themselves, and what it says must be one choice;
5. a first or last line that is a letter or a choice;
6. conclusions: "so B", "c'est donc la B";
7. unless the text is a refusal: the one choice that the last sentence names.

A letter beyond the choices is out of range; a letter beside the text of another choice, two choices at once and lists
of choices are ambiguous. Nothing is ever guessed. A bare "A" that a lower-case word follows is an article, not a
letter, and so is a lower-case "a" in a sentence.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache

from comic_eval.answers import formats, rejected, stated
from comic_eval.answers.choice_table import ChoiceTable
from comic_eval.answers.letters import AMBIGUOUS, OUT_OF_RANGE, Letters
from comic_eval.answers.normalise import canonical
from comic_eval.answers.refusal import is_refusal
from comic_eval.answers.reply import read_reply
from comic_eval.types import Extraction, Language

_JSON_KEYS = frozenset(
    {"answer", "final_answer", "correct_answer", "choice", "option", "letter", "selected_option", "selection"}
    | {"réponse", "reponse", "réponse_finale", "reponse_finale", "choix", "lettre"}
)

_AFTER = re.compile(r"[.):,]?\)? ?(?:-+>? |=+>? |: ?)?")
# "Choix :" before the choices themselves states nothing.
_LIST_OF_CHOICES = re.compile(r"\(?([A-Z])[.):][^\n]*\n\(?(?!\1)[A-Z][.):]")
# "Place 1: panel A" and "2) panel B" give one place each its choice.
_NUMBERED = re.compile(r"^ ?(?:[A-Za-zÀ-ÿ]{1,12} )?#?\d{1,2} ?(?:[:.)=→]|-+>) ?(?=\D)")
_NONE_OF_THEM = re.compile(
    r"^(?:none|neither|aucune?|ni l'une? ni l'autre)\b(?: of (?:the above|these|them|the choices|the options)"
    r"| de(?:s| ces) (?:réponses|choix|propositions)| d'entre (?:eux|elles))?"
    r"(?: (?:is correct|fits?|applies|matches))?$",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"[,;:]|\bbut\b|\bmais\b| - ")

_REASONS = re.compile(rf"{_CLAUSES.pattern}|\b(?:because|since|while|whereas|than|car|puisque|tandis|que)\b")


def extract_choice(text: str, choices: Sequence[str], language: Language = "en") -> Extraction:
    """The letter of the choice that the text settles on.

    Args:
        text: what the model wrote.
        choices: the texts of the choices, lettered A, B, ... by place.
        language: of the sample. Models mix languages, so both are always read.

    Returns:
        the letter, or a reason: ``empty``, ``truncated``, ``refusal``, ``ambiguous``, ``out_of_range``, ``no_answer``.
    """
    return _reader(tuple(choices)).read(text)


@lru_cache(maxsize=4096)
def _reader(choices: tuple[str, ...]) -> _Reader:
    return _Reader(ChoiceTable(choices))


def _extraction(found: str | None) -> Extraction | None:
    """A letter, a reason or nothing as an extraction."""
    if found is None:
        return None
    return Extraction(value=found) if len(found) == 1 else Extraction(value=None, reason=found)


class _Reader:
    def __init__(self, table: ChoiceTable) -> None:
        self._table = table
        self._letters = Letters(table)

    def read(self, text: str) -> Extraction:
        return read_reply(
            canonical(text),
            "choice",
            tag=lambda content: _extraction(self._read_tag(content)),
            body=lambda body: _extraction(self._read_body(body)),
        )

    def _read_tag(self, content: str) -> str | None:
        return self._short(formats.unmark(formats.plain_latex(content))) or self._read_body(content)

    def _read_body(self, body: str) -> str | None:
        """A letter, a reason, or None where the text gives nothing."""
        body = stated.excerpt(body)
        formatted = formats.boxed(body) or formats.json_values(body, _JSON_KEYS)
        found = {self._short(formats.unmark(value)) for value in formatted} - {None}
        if found:
            return str(found.pop()) if len(found) == 1 else AMBIGUOUS
        body = rejected.without_rejected(formats.unmark(formats.plain_latex(body)))
        if self._table.same_or_different:
            body = rejected.without_not_the_same(body)
        listing = self._is_listing(body)
        return (
            self._short(body)
            or self._statements(body)
            or self._lines(body)
            or (None if listing else self._conclusions(body))
            or (None if is_refusal(body) else self._last_sentence(body, listing))
        )

    def _short(self, text: str) -> str | None:
        """A text that is nothing but a letter, a choice's text, or a letter with the text."""
        text = text.strip(" \n.,;:!-")
        exact = self._table.exact(text)
        if exact is not None:
            return exact
        if "\n" in text:
            return None
        if len(text) == 1 and text.isascii() and text.isalpha():
            return self._letters.in_range(text.upper())
        if _NONE_OF_THEM.match(text):
            return OUT_OF_RANGE
        letter, end = self._letters.at(text, 0, alone=True)
        if letter is None:
            return None
        if len(letter) > 1:
            return letter
        rest = text[end:].strip()
        if not any(c.isalnum() for c in rest):
            return letter
        if rest[0] == "(" and rest[-1] == ")":
            rest = rest[1:-1]
        said = self._table.exact(rest)
        if said is not None:
            return letter if said == letter else AMBIGUOUS
        separated = bool(re.match(r" ?[.,):-]", text[end:])) or text[end - 1] == ")"
        return self._agreeing(letter, rest) if separated else None

    def _agreeing(self, letter: str, rest: str) -> str:
        """The letter, unless the text beside it names another choice and not this one."""
        named = self._table.named(rest)
        return AMBIGUOUS if len(named) == 1 and letter not in named and not rejected.NEGATION.search(rest) else letter

    def _statements(self, body: str) -> str | None:
        """What the last statement says; a letter, a reason or None."""
        places = sorted(
            match.end()
            for pattern in (stated.ANSWER_IS, stated.HEADING, stated.I_CHOOSE)
            for match in pattern.finditer(body)
            if not stated.supposes(body, match.start()) and not stated.asked(body, match.end())
        )
        said = ((at, value) for at in reversed(places) if (value := self._stated(body, at)) is not None)
        found = [*self._approved(body, stated.IS_RIGHT), *itertools.islice(said, 1)]
        if not found:
            return None
        at, last = max(found)
        # "The order is 2, 1, 3, so B" must be one choice, not two.
        added = self._concluded(stated.rest_of_sentence(body, at))
        return last if added in (None, last) else AMBIGUOUS

    def _stated(self, body: str, at: int) -> str | None:
        if _LIST_OF_CHOICES.match(body, at):
            return None
        letter, end = self._letters.at(body, at)
        rest = stated.rest_of_sentence(body, at)
        if letter is not None:
            line = body[end : end + len(rest) + 40].split("\n", 1)[0]
            said = self._table.exact(_AFTER.sub("", line, count=1))
            return AMBIGUOUS if said is not None and len(letter) == 1 and said != letter else letter
        exact = self._table.exact(rest)
        if exact is not None:
            return exact
        if _NONE_OF_THEM.match(rest):
            return OUT_OF_RANGE
        if stated.leaves_open(rest):
            mentioned = set(re.findall(r"(?<![\w'])[A-Z](?![\w'])", rest)) & set(self._table.letters)
            return AMBIGUOUS if len(mentioned) > 1 else None
        named = set() if rejected.NEGATION.search(rest) else self._table.named(rest)
        return named.pop() if len(named) == 1 else AMBIGUOUS if named else None

    def _approved(self, body: str, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
        """Letters that "is correct" and its like follow, with their places."""
        return [
            (match.start(), letter)
            for match in pattern.finditer(body)
            if not stated.supposes(body, match.start())
            and (letter := self._letters.before(body, match.start())) is not None
        ]

    def _line(self, line: str) -> tuple[str | None, bool]:
        """What a line alone says, and whether it is a bare letter."""
        line = _NUMBERED.sub("", line).strip()
        bare = bool(re.fullmatch(r"(?:option |choice |choix |l'option )?\(?[A-Z]\)?[.):]?\)?", line, re.IGNORECASE))
        said = self._short(line)
        return said, bare and said is not None

    def _is_listing(self, body: str) -> bool:
        """Whether several lines name different choices, as a repetition of the choices does."""
        said = {value for line in body.split("\n") if (value := self._line(line)[0]) and len(value) == 1}
        return len(said) > 1

    def _lines(self, body: str) -> str | None:
        lines = [line for line in body.split("\n") if any(c.isalnum() for c in line)]
        if len(lines) < 2:
            return None
        bare = {said for line in lines if (read := self._line(line))[1] and (said := read[0])}
        ends = [self._line(lines[-1]), self._line(lines[0])]
        if len(bare) == 1 and any(is_bare for _, is_bare in ends):
            return bare.pop()
        if len(bare) > 1:
            return AMBIGUOUS
        if self._is_listing(body):
            return None
        settled = {value for value, _ in ends if value}
        return settled.pop() if len(settled) == 1 else AMBIGUOUS if settled else None

    def _conclusions(self, body: str) -> str | None:
        """What the last conclusion or hedged statement says: "so B", "A seems right"."""
        hedged = self._approved(body, stated.SEEMS_RIGHT)
        concluded = [
            (match.end(), letter)
            for match in stated.CONCLUSION.finditer(body)
            if not stated.supposes(body, match.start())
            and not self._is_against(_REASONS.split(stated.rest_of_sentence(body, match.end()))[0])
            and (letter := self._letters.at(body, match.end())[0]) is not None
        ]
        return max(hedged + concluded)[1] if hedged or concluded else None

    def _is_against(self, clause: str) -> bool:
        """Whether a clause turns a choice down, or round, with words that no choice has itself."""
        patterns = (rejected.AGAINST, rejected.NEGATION, *([rejected.FARTHER] if self._table.marks else []))
        return any(p.search(clause) and not p.search(self._table.text) for p in patterns)

    def _concluded(self, sentence: str) -> str | None:
        match = stated.CONCLUSION.search(sentence)
        return self._letters.at(sentence, match.end())[0] if match else None

    def _last_sentence(self, body: str, listing: bool) -> str | None:
        """The only choice that the last sentence names outside of its negated clauses."""
        sentences = stated.sentences(body)
        if not sentences:
            return None
        last = sentences[-1]
        if listing and self._line(last)[0]:
            return AMBIGUOUS
        clauses = [c for c in _CLAUSES.split(last) if not rejected.NEGATION.search(c)]
        against = [c for c in clauses if self._is_against(c)]
        turned_down = [self._letters.inside(c) | self._table.named(c) for c in against]
        clauses = [c for c in clauses if c not in against]
        # "A is smaller, which suggests it is farther": the clauses must be read together.
        if against and (not clauses or not all(turned_down)):
            return AMBIGUOUS if len(set().union(*turned_down)) > 1 else None
        said = self._said(clauses)
        # "They could be the same" commits to nothing.
        if len(said) == 1 and said != self._said([c for c in clauses if not self._is_undecided(c)]):
            return None
        if OUT_OF_RANGE in said:
            return OUT_OF_RANGE if len(said) == 1 else AMBIGUOUS
        return said.pop() if len(said) == 1 else AMBIGUOUS if said else None

    def _said(self, clauses: list[str]) -> set[str]:
        """The choices that clauses name, by letter or text."""
        kept = " , ".join(clauses)
        said = self._letters.inside(kept) | self._table.named(kept)
        # "Their clothes are different" does not say that they are.
        if not self._table.same_or_different or len(kept.split()) <= 2 or stated.WHO.search(kept):
            said = said or self._table.told(kept)
        return said

    def _is_undecided(self, clause: str) -> bool:
        return bool(rejected.UNDECIDED.search(clause)) and not self._letters.inside(clause)
