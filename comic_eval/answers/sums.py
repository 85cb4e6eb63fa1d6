"""Counts in parts: sums that say their result ("4 = 2 + 2"), and parts that nobody has added up."""

from __future__ import annotations

import re

from comic_eval.answers.numerals import NUMBER, value_of

# "Four (5)": two answers. "4 (2 in the first row)": one.
_OTHER_IN_ASIDE = re.compile(rf"\( ?({NUMBER}) ?(?:panels?|cases?|vignettes?|times|fois)? ?\)", re.IGNORECASE)
_SUM = rf"{NUMBER}(?: ?\+ ?{NUMBER})+"
_OPEN_SUM = re.compile(rf"(?<![\w+]){_SUM}\b(?! ?[=+])", re.IGNORECASE)
_EQUATION = re.compile(rf"\b(?P<result>{NUMBER}) ?[=(] ?(?P<terms>{_SUM})\b(?! ?[=+]) ?\)?", re.IGNORECASE)
_TIMES = rf"\b(?:once|twice|thrice|(?:{NUMBER}) (?:times|fois))"
_WHERE = r"(?:in|on|at|dans|sur|en) (?:the |row|la |le |panel|rangée|tier|case)"
# "The last two panels and the first": numbers of parts, which nobody has added up.
_PART_OF_SEVERAL = re.compile(
    rf"\b(?:first|last|next|top|bottom|middle|upper|lower) {NUMBER}\b[^.;\n]{{0,25}}(?:,|\b(?:and|plus|as well as)\b)"
    r" (?:also )?(?:in |on )?(?:the|one|a)\b"
    rf"|\b(?:panels?|first|last|one)(?: \d+(?:, \d+)*)?,? (?:and|plus) (?:also )?(?:in |on )?the (?:first|last|next|top"
    rf"|bottom|middle|upper|lower) {NUMBER}\b"
    rf"|\b(?:les )?{NUMBER} (?:premi|derni)[èe]re?s\b[^.;\n]{{0,25}}(?:,|\b(?:et|plus|ainsi que)\b)"
    r" (?:dans )?(?:la|les|une)\b"
    rf"|\b(?:cases?|vignettes?|premi[èe]re|derni[èe]re)(?: \d+(?:, \d+)*)?,? (?:et|plus) (?:dans )?les {NUMBER}"
    r" (?:premi|derni)[èe]re?s\b"
    rf"|{_TIMES}\b[^.;\n]{{0,30}}(?:,|\b(?:and|et|then|puis)\b) (?:again |then |puis )?{_TIMES}\b"
    rf"|\b{NUMBER}(?: panels?| cases?)? {_WHERE}\b[^.;\n]{{1,25}}(?:,|\b(?:and|et)\b) (?:then |and |et )?{NUMBER}"
    rf"(?: panels?| cases?| more)? {_WHERE}\b",
    re.IGNORECASE,
)


def _value(number: str) -> int | None:
    return int(number[:12]) if number.isdigit() else value_of(number)


def solved(text: str) -> str:
    """The text with the 4 of "4 = 2 + 2" in the equation's place; of one that does not hold, with its sum."""

    def result(equation: re.Match[str]) -> str:
        total = sum(_value(term) or 0 for term in re.split(r" ?\+ ?", equation["terms"]))
        return equation["result"] if _value(equation["result"]) == total else equation["terms"]

    return _EQUATION.sub(result, text) if "+" in text else text


def is_unsolved(text: str) -> bool:
    """Whether the text names parts without their sum: "2 + 1", "the last two panels and the first"."""
    return bool(("+" in text and _OPEN_SUM.search(text)) or _PART_OF_SEVERAL.search(text))


def in_parentheses(text: str) -> set[int]:
    """Numbers that stand alone in parentheses: the 5 of "four (5)"."""
    return {value for number in _OTHER_IN_ASIDE.findall(text) if (value := _value(number)) is not None}
