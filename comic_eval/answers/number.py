"""Reads a count out of a model's text.

The order of places is that of `comic_eval.answers.choice`: tags, ``\\boxed``, JSON, the whole text, statements, totals,
first and last line, last sentence. Digits of any script and English and French number words are read.

Ambiguous, and so unparsed: two different counts, ranges ("2-3", "between 2 and 3", "2 or 3") and bounds ("at least 3",
"3+"). An approximation of one number ("about 3") is that number: it commits to no other. Numbers that are no possible
count are out of range: negative ones, fractions, and those above 99.
"""

from __future__ import annotations

import re

from comic_eval.answers import formats, numerals, rejected, stated, sums
from comic_eval.answers.normalise import canonical, words
from comic_eval.answers.quantities import LIMIT, Quantity, quantities
from comic_eval.answers.refusal import is_refusal
from comic_eval.answers.reply import read_reply
from comic_eval.types import Extraction, Language

AMBIGUOUS = "ambiguous"
OUT_OF_RANGE = "out_of_range"
_JSON_KEYS = frozenset(
    {
        "answer",
        "final_answer",
        "correct_answer",
        "count",
        "number",
        "total",
        "panel_count",
        "number_of_panels",
        "panels",
    }
    | {"réponse", "reponse", "réponse_finale", "reponse_finale", "nombre", "compte"}
)
_N = numerals.NUMBER
_RANGE = re.compile(
    rf"\b(?:between|entre|from|de) {_N} (?:and|et|to|à) {_N}\b"
    rf"|(?<![\w.,])\d+ ?[-/] ?\d+\b"
    rf"|(?<![\w.,]){_N},? (?:or|ou|to|à|or maybe|or perhaps|maybe|possibly|perhaps|peut-être|ou peut-être) {_N}\b"
    rf"|\b(?:at least|at most|more than|less than|fewer than|up to|over|under|minimum|au moins|au plus|au minimum"
    rf"|plus de|moins de|jusqu'à|no more than|maximum) {_N}\b|[<>≤≥] ?{_N}\b"
    rf"|\b{_N} ?(?:\+(?! ?\d)|or more|ou plus|or so)",
    re.IGNORECASE,
)
_INDEX_RANGE = re.compile(
    r"\b(?:panels?|cases?|vignettes?|frames?|rows?|characters?|personnages?|marked|marqués?|images?)"
    r" \d+ ?(?:-|to|à|or|ou) ?\d+",
    re.IGNORECASE,
)
_APPEARS = re.compile(
    r"\b(?:appear(?:s|ed|ing)?|occurs?|shows? up|(?:is|are) (?:shown|seen|visible|present|drawn|found)"
    r"|(?:is|are) (?:featured|depicted)|can be seen|counted?|counts?|apparaît|apparait|figure"
    r"|est (?:présente?|visible|dessinée?|représentée?)"
    r"|se trouve|on (?:la|le) voit|on compte)\b[^.\n]*",
    re.IGNORECASE,
)
# "First row: 2" and "Panel 3: yes" are parts of a count; "Total panels: 7" counts the page.
_PART = re.compile(
    r"^\W*(?:(?:[\w-]+ )?(?:row|tier|strip|rangée|bande|ligne)\b(?: \d+)?|(?:panel|case|vignette) \d+"
    r"|total (?:number of )?(?:panels|cases|frames)(?: on the page)?|(?:panels|cases) (?:in total|au total)) ?[:=-]",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\([^()]*\)")


def extract_number(text: str, language: Language = "en") -> Extraction:
    """The count that the text settles on, in ASCII digits without leading zeros.

    Args:
        text: what the model wrote.
        language: of the sample. Models mix languages, so both are always read.

    Returns:
        the number, 0 to 99, or a reason: ``empty``, ``truncated``, ``refusal``, ``ambiguous``, ``out_of_range``,
        ``no_answer``.
    """
    return read_reply(
        canonical(text),
        "number",
        tag=lambda content: _extraction(_read_body(content, short=True)),
        body=lambda body: _extraction(_read_body(body)),
    )


def _extraction(found: int | str | None) -> Extraction | None:
    """A number, a reason or nothing as an extraction."""
    if found is None:
        return None
    return Extraction(value=None, reason=found) if isinstance(found, str) else Extraction(value=str(found))


def _read_body(body: str, *, short: bool = False) -> int | str | None:
    """A number, a reason, or None where the text gives nothing. ``short``: it stood in a tag, so all of it counts."""
    body = stated.excerpt(body)
    formatted = formats.boxed(body) or formats.json_values(body, _JSON_KEYS)
    found = {_settle(value) for value in formatted} - {None}
    if found:
        return found.pop() if len(found) == 1 else AMBIGUOUS
    body = rejected.without_rejected(_numbers_unmarked(body))
    lines = [line for line in body.split("\n") if any(c.isalnum() for c in line)]
    if len(lines) == 1 and (short or len(words(body)) <= 6):
        settled = _settle(body)
        if settled is not None:
            return settled
    for read in (_statements, _totals, _lines):
        settled = read(body)
        if settled is not None:
            return settled
    sentences = stated.sentences(body)
    if is_refusal(body) or not sentences or _PART.match(sentences[-1]):
        return None
    return _settle(sentences[-1])


def _numbers_unmarked(body: str) -> str:
    """Markdown and LaTeX off, without taking a bulleted "- 3" for a negative number or a heading for a mark."""
    return re.sub(r"\(\(|\)\)", " ", formats.unmark(formats.plain_latex(body)))


def _settle(text: str) -> int | str | None:
    """The one count that a phrase gives; a reason, or None where it holds no number."""
    text = text.strip(" \n.,;:!?\"'")
    text = sums.solved(text)
    if _RANGE.search(_INDEX_RANGE.sub(" ", text)):
        return AMBIGUOUS
    found = quantities(text)
    outside = quantities(_ASIDE.sub(" ", text))
    if outside:
        found = outside
    totals = [q for q in found if q.total]
    if (
        found
        and not totals
        and (sums.is_unsolved(text) or (outside and sums.in_parentheses(text) - {q.value for q in outside}))
    ):
        return AMBIGUOUS
    for preferred in (totals, [q for q in found if q.counts], found):
        if preferred:
            return _one(preferred)
    said = words(text)
    return 0 if said and len(said) <= 6 and said[0] in numerals.NONE else None


def _one(found: list[Quantity]) -> int | str:
    values = {q.value for q in found}
    if len(values) > 1:
        return AMBIGUOUS
    value = values.pop()
    return OUT_OF_RANGE if value is None or not 0 <= value <= LIMIT else value


def _statements(body: str) -> int | str | None:
    """What the last statement says ("the answer is three")."""
    places = sorted(
        match.end()
        for pattern in (stated.ANSWER_IS, stated.HEADING, stated.I_CHOOSE)
        for match in pattern.finditer(body)
        if not stated.supposes(body, match.start())
    )
    for at in reversed(places):
        rest = stated.rest_of_sentence(body, at)
        said = None if re.match(r"(?:not|pas)\b", rest, re.IGNORECASE) else _settle(rest)
        if said is not None:
            return said
    return None


def _totals(body: str) -> int | str | None:
    """The total in the last sentence that gives one, else what the last "appears in three panels" says."""
    sentences = stated.sentences(body)
    for sentence in reversed(sentences):
        found = [q for q in quantities(sentence) if q.total and (q.counts or _is_end(sentence, q))]
        if found and not _RANGE.search(_INDEX_RANGE.sub(" ", sentence)):
            return _one(found)
    for sentence in reversed(sentences):
        appears = _APPEARS.search(sentence)
        denied = appears and re.search(r"(?:\bnot|n't|\bne|\bn') ?$", sentence[: appears.start()])
        if appears and not denied and any(q.counts for q in quantities(appears[0])):
            return _settle(appears[0])
    return None


def _is_end(sentence: str, quantity: Quantity) -> bool:
    """Whether nothing but "in total" and its like follows."""
    return len(words(sentence[quantity.end :])) <= 4


def _lines(body: str) -> int | str | None:
    """A number alone on the first or the last line."""
    lines = [line for line in body.split("\n") if any(c.isalnum() for c in line)]
    if len(lines) < 2:
        return None
    said = {_settle(line) for line in (lines[0], lines[-1]) if len(words(line)) <= 3 and not _PART.match(line)} - {None}
    return said.pop() if len(said) == 1 else AMBIGUOUS if said else None
