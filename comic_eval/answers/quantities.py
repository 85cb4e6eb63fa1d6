"""The numbers in a sentence: which of them count something, and which only number panels, marks or lines."""

from __future__ import annotations

import re
from dataclasses import dataclass

from comic_eval.answers import numerals
from comic_eval.answers.normalise import words

# A page with a hundred panels does not exist; larger numbers are slips that would drown every mean error.
LIMIT = 99

_COUNTED = (
    r"(?:panels?|times?|cases?|fois|vignettes?|frames?|appearances?|occurrences?|apparitions?|images?|instances?|boxes"
    r"|pictures?|cadres?|reprises?|places?|scenes?|scènes?)"
)
_TOTAL_AFTER = re.compile(
    rf"(?: {_COUNTED})? ?,? (?:in total|altogether|overall|in all|au total|en tout)\b", re.IGNORECASE
)
_TOTAL_BEFORE = re.compile(
    r"(?:\btotal(?: (?:count|number|is|of|comes to|de|est|est de|nombre)){0,3} ?[:=]? ?|= ?"
    r"|\b(?:makes|gives|giving|count is) "
    r"|\b(?:i|je) (?:count|compte) |\b(?:so|soit|donc|thus|therefore|hence),? )$",
    re.IGNORECASE,
)
_COUNTED_AFTER = re.compile(
    rf" (?:(?!(?:autres?|other|more)\b)(?:[\w'-]+ )?{_COUNTED}\b"
    r"|(?:out )?of (?:the|these|those|them)\b|d'entre elles\b)",
    re.IGNORECASE,
)
_OTHER_AFTER = re.compile(
    r"[ -](?:years?|ans|months?|mois|minutes?|hours?|heures?|days?|jours?|characters?"
    r"|personnages?|people|personnes?)\b",
    re.IGNORECASE,
)
_INDEX_BEFORE = re.compile(
    r"(?:\b(?:panels?|cases?|vignettes?|frames?|images?|pages?|planches?|characters?|personnages?|rows?|rangées?|lignes?|columns?"
    r"|colonnes?|numbers?|numéros?|no|steps?|étapes?|figures?|box(?:es)?|marked|marquée?s?|labell?ed|strips?|bandes?"
    r"|tier|cadres?|volumes?|vol\.|tomes?|chapters?|chapitres?|chap\.|parts?|parties?|issues?|books?|livres?|sections?"
    r"|scènes?|acts?|actes?|tables?|notes?|version|question|episode|épisode|pictures?|scenes?)|n°|#)(?: ?\(?#?)$",
    re.IGNORECASE,
)
_ENUMERATES = re.compile(
    r",? ?(?:,|and|et|&|-|to|à|or|ou|then|puis)? ?(?:also |also in |panels? |cases? |#)?", re.IGNORECASE
)
_DENOMINATOR_BEFORE = re.compile(
    r"(?:\bout of (?:the |a total of )?|\bof the |(?<!\btotal )\bof (?:all |these )?|\bsur (?:les )?"
    r"|\bparmi les |\bdes )$",
    re.IGNORECASE,
)
# "The page shows 7 panels" counts the page's panels, not those with the character.
_PAGE_HAS_BEFORE = re.compile(
    r"(?:\b(?:page|planche)(?: \w+)? (?:shows?|has|contains?|holds?|consists of|features?|is (?:made up|composed) of"
    r"|is divided into|is split into|compte|contient|comporte|montre|comprend|se compose de|est divisée en)"
    r"|\bthere are)(?: (?:a total of|exactly|about|only|un total de|au total))? $",
    re.IGNORECASE,
)
_ON_THE_PAGE_BEFORE = re.compile(
    r"\b(?:number|count|nombre|total)(?: total)? (?:of|de) (?:[\w'-]+ )?(?:panels?|frames?|cases?|vignettes?)"
    r" (?:on|in|of|sur|dans|de) (?:the|this|la|cette)(?: \w+)? (?:page|planche)"
    r" (?:is|equals|est(?: de)?)(?: exactly| exactement)? $",
    re.IGNORECASE,
)
# "On this page, there are 5 panels."
_PAGE_THERE_BEFORE = re.compile(
    r"\b(?:on|in|sur|dans) (?:the|this|la|cette)(?: \w+)? (?:page|planche),? (?:there are|il y a|on compte)"
    r"(?: (?:a total of|exactly|un total de))? $",
    re.IGNORECASE,
)
_PANELS_END_AFTER = re.compile(
    r" (?:[\w'-]+ )?(?:panels?|frames?|cases?|vignettes?)(?: in total| au total)? ?(?:[.,;!]|$)", re.IGNORECASE
)
_ON_THE_PAGE_AFTER = re.compile(
    r" (?:[\w'-]+ )?(?:panels?|frames?|cases?|vignettes?)(?: in total)?(?: on| in| of| sur| dans)"
    r" (?:the|this|la|cette) (?:page|planche)\b(?! (?:that|where|in which|with|où|qui|avec)\b)",
    re.IGNORECASE,
)
# "2 other panels" leaves out the marked one, or not; "absent from 2 panels" counts the rest.
_OTHERS_AFTER = re.compile(
    r" (?:others?|autres|more|additional|further|de plus)\b(?! ?(?:,|so|for|which|making|donc|soit)[^.]*\d)",
    re.IGNORECASE,
)
_EXCLUDED_BEFORE = re.compile(
    r"\b(?:all but|except(?: for| in)?|sauf(?: dans)?|excepté|absente?s? (?:from|de)|missing from|pas dans"
    r"|(?:is |are |it's |est |ce n'est |c'est )?(?:not|pas)(?: exactly| simply| exactement)?"
    r"|(?:any|every|no)(?:thing|where)? but|tout sauf|n'importe quoi sauf|(?:other|rather|different) than|autre que"
    r"|plutôt que|instead of|au lieu de"
    r"|not (?:appear|visible|present|shown|seen|in)(?: in)?|n't (?:appear|shown?|seen)(?: in)?)(?: the| les)?"
    r"(?: other| remaining| autres)? $",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>(?<![^\s(:=])-)?(?P<digits>\d+(?:[.,]\d+)*)(?P<ordinal>(?:st|nd|rd|th|er|re|ère|e|ème|eme)\b|%|°)?"
    r"(?P<times> ?[x×](?!\w))?(?P<tail>\+|\^|/\d)?(?!\w)"
    rf"|\b(?P<word>a single|une? (?:seule?|unique)|{numerals.WORD_PATTERN})\b(?!')",
    re.IGNORECASE,
)
_LIST_NUMBER = re.compile(r"[.)] ?\S")
_ONE_AS_ARTICLE = frozenset({"one", "un", "une"})


@dataclass(frozen=True)
class Quantity:
    """A number in a text.

    Attributes:
        value: None where it is no whole number, or could be read in two ways.
        start: where it begins.
        end: where it ends.
        counts: a counted noun follows ("3 panels").
        total: it is said to be the total ("3 in total", "so 3").
    """

    value: int | None
    start: int
    end: int
    counts: bool
    total: bool


def _counts_the_page(before: str, after: str) -> bool:
    """Whether a number says how many panels the whole page has."""
    before = before.rsplit("\n", 1)[-1]
    if _ON_THE_PAGE_BEFORE.search(before):
        return True
    if _PAGE_THERE_BEFORE.search(before) and _PANELS_END_AFTER.match(after):
        return True
    has = _PAGE_HAS_BEFORE.search(before)
    if has is None:
        return False
    return not has[0].casefold().startswith("there are") or _ON_THE_PAGE_AFTER.match(after) is not None


def _whole(digits: str) -> int | None:
    """The whole number that ``3``, ``3.0`` or ``1,000`` is."""
    parts = digits.replace(",", ".").split(".")
    if len(parts) == 1:
        # Longer runs are out of range anyhow, and int() refuses thousands of digits.
        return int(parts[0][:12])
    if "," in digits and len(parts) == 2 and len(parts[1]) == 3:
        return int(parts[0][:12] + parts[1])
    return int(parts[0][:12]) if len(parts) == 2 and set(parts[1]) == {"0"} else None


def quantities(text: str) -> list[Quantity]:
    """The numbers of ``text`` that may count something, in order.

    Left out are ordinals, numbers of other things ("12 years", "3 characters"), numbers of panels ("panel 3", "panels
    1, 3 and 5"), the number of the page's panels, other panels than the marked one ("2 others") or than those with
    the character, list numbers, denominators ("of 8") and the articles "one", "un", "une".
    """
    # Most sentences hold no number, and the pattern with all number words is slow.
    if not any(c.isdigit() for c in text) and numerals.FIRST_WORDS.isdisjoint(words(text)):
        return []
    found: list[Quantity] = []
    index_end: int | None = None
    for match in _NUMBER.finditer(text):
        before, after = text[max(0, match.start() - 60) : match.start()], text[match.end() : match.end() + 60]
        in_row = index_end is not None and bool(_ENUMERATES.fullmatch(text[index_end : match.start()]))
        if _INDEX_BEFORE.search(before) or in_row:
            index_end = match.end()
            continue
        if match["ordinal"] or _OTHER_AFTER.match(after) or _DENOMINATOR_BEFORE.search(before):
            continue
        if _counts_the_page(before, after) or _OTHERS_AFTER.match(after) or _EXCLUDED_BEFORE.search(before):
            continue
        counts = (
            bool(match["times"] or _COUNTED_AFTER.match(after)) or (match["word"] or "").casefold() in numerals.TIMES
        )
        total = bool(_TOTAL_AFTER.match(after) or _TOTAL_BEFORE.search(before))
        if match["digits"]:
            starts_line = not before or before.endswith("\n")
            if starts_line and _LIST_NUMBER.match(after) and not match["sign"]:
                continue
            value = None if match["tail"] else _whole(match["digits"])
            if value is not None and match["sign"]:
                value = -value
        else:
            word = match["word"].casefold()
            article = word in _ONE_AS_ARTICLE or (" " in word and numerals.value_of(word) is None)
            counts = counts and not (article and after.startswith((" of ", " d'entre ")))
            if article and not (counts or total or not after.strip(" .!\n")):
                continue
            value = numerals.value_of(word)
            value = 1 if value is None else value
        found.append(Quantity(value, match.start(), match.end(), counts, total))
    return found
