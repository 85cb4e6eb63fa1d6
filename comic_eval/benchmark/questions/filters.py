"""Decides which proposed questions are kept. Pure functions of text: the same proposals always end the same way.

A proposal passes the filters in the order of `FILTERS` and is counted under the first that rejects it. What a filter
cannot see (a wrong answer, a question about something else) is left to whoever checks the questions by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from comic_eval.answers.facts import content, covers, is_same, token_f1
from comic_eval.answers.normalise import canonical, words
from comic_eval.benchmark.questions.proposal import Proposal
from comic_eval.types import Language

Filter = Literal[
    "malformed", "unsafe", "language", "position", "leak", "duplicate", "surplus", "translation", "duplicate_on_page"
]

# In the order in which they are applied. The last three need more than one proposal to judge: too many for one panel,
# no usable translation, and the same question with the same answer about two panels of a page.
FILTERS: dict[Filter, str] = {
    "malformed": "no question with answer and facts, not one question, or far too long",
    "unsafe": "markup, invisible characters, links or instructions to a model",
    "language": "written in another language than was asked for",
    "position": "says itself where its panel stands",
    "leak": "holds its answer, or every fact of it",
    "duplicate": "asks what another question about the panel asks",
    "surplus": "beyond the number of questions a panel",
    "translation": "no usable translation into the page's other language",
    "duplicate_on_page": "the same question and answer about an earlier panel of the page",
}

MAX_QUESTION, MAX_ANSWER, MAX_FACT, MAX_FACTS = 300, 300, 200, 6
# Two questions whose content words overlap that much (Jaccard), or whose words do (F1), are one.
SAME_CONTENT, SAME_WORDS = 0.8, 0.9
# Less is enough where the answer is the same too.
SAME_CONTENT_AND_ANSWER = 0.5

_QUOTED = re.compile('["“«][^"”»]*["”»]')
_UNSAFE = re.compile(
    r"[<>{}\[\]`|\\]|&(?:#?\w{1,8});|https?:|www\."
    r"|\b(?:ignore|disregard|forget)\b.{0,40}\b(?:instruction|prompt|previous|above|rules?)"
    r"|\b(?:ignore[rz]?|oublie[rz]?)\b.{0,40}\b(?:instruction|consigne|précédent|ci-dessus|règles?)"
    r"|\b(?:system|developer|assistant) ?(?:prompt|message)\b|\b(?:as an ai|language model|modèle de langage)\b",
    re.IGNORECASE,
)
_PLACE: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\bpanels? (?:no\.? ?|number |#)?\d|\b(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last"
        r"|final|next|previous|following|middle|upper|lower|top|bottom|left(?:most)?|right(?:most)?|\d+(?:st|nd|rd|th))"
        r"(?:[ -](?:left|right|most|hand))* (?:comic )?(?:panel|frame|row|strip|tier|page)s?\b"
        r"|\b(?:top|bottom|corner|edge|end|start|beginning|middle) of (?:the|this) (?:comic )?page\b",
        re.IGNORECASE,
    ),
    "fr": re.compile(
        r"\b(?:case|vignette)s? (?:n[o°]\.? ?|numéro )?\d"
        r"|\b(?:première|deuxième|seconde|troisième|quatrième|cinquième|sixième|septième|huitième|neuvième|dixième"
        r"|dernière|prochaine|\d+(?:e|è|re|ème|ième)) (?:case|vignette|rangée|bande|page)s?\b"
        r"|\b(?:case|vignette|rangée|bande)s? (?:suivante|précédente|du haut|du bas|du milieu|de gauche|de droite"
        r"|en haut|en bas|tout en|à gauche|à droite|la plus)"
        r"|\b(?:haut|bas|coin|bord|début|fin|milieu) de (?:la|cette) page\b",
        re.IGNORECASE,
    ),
}
_FUNCTION_WORDS: dict[Language, frozenset[str]] = {
    "en": frozenset(
        words("the is are what which who where how does do of and with his her their while when on in why")
    ),
    "fr": frozenset(
        words("le la les est sont que quel quelle qui ou comment des du et avec son sa ses leur pendant quand dans une")
    ),
}


def first_failure(proposal: Proposal | None, language: Language, phrases: Iterable[str]) -> Filter | None:
    """The filter that rejects a proposal on its own account; None if none does.

    Args:
        phrases: all phrases that locate its panel, in its language.
    """
    if proposal is None or not _well_formed(proposal):
        return "malformed"
    if any(_UNSAFE.search(text) or not text.isprintable() for text in _texts(proposal)):
        return "unsafe"
    if is_foreign(proposal, language):
        return "language"
    if names_place(proposal.question, language, phrases):
        return "position"
    return "leak" if gives_itself_away(proposal) else None


def _texts(proposal: Proposal) -> tuple[str, ...]:
    return proposal.question, proposal.answer, *proposal.facts


def _well_formed(proposal: Proposal) -> bool:
    question = proposal.question
    return (
        question.endswith("?")
        and _QUOTED.sub("", question).count("?") == 1
        and len(words(question)) >= 3
        and len(question) <= MAX_QUESTION
        and len(proposal.answer) <= MAX_ANSWER
        and len(proposal.facts) <= MAX_FACTS
        and all(len(fact) <= MAX_FACT for fact in proposal.facts)
    )


def is_foreign(proposal: Proposal, language: Language) -> bool:
    """Whether a question is plainly in the other language: by its function words, two at least and none of its own."""
    said = words(canonical(proposal.question))
    own = sum(word in _FUNCTION_WORDS[language] for word in said)
    other: Language = "fr" if language == "en" else "en"
    return own == 0 and sum(word in _FUNCTION_WORDS[other] for word in said) >= 2


def names_place(question: str, language: Language, phrases: Iterable[str]) -> bool:
    """Whether a question repeats a phrase that locates its panel, or locates a panel in other words."""
    plain = " ".join(words(canonical(question)))
    return bool(_PLACE[language].search(canonical(question))) or any(
        f" {' '.join(words(phrase))} " in f" {plain} " for phrase in phrases
    )


def gives_itself_away(proposal: Proposal) -> bool:
    """Whether the question holds all content words of its answer, or states every fact of it."""
    asked = set(content(proposal.question))
    told = set(content(proposal.answer))
    if told and told <= asked:
        return True
    return all(covers(proposal.question, fact, proposal.question) for fact in proposal.facts)


def is_duplicate(one: Proposal, other: Proposal) -> bool:
    """Whether two questions about one panel ask the same: nearly the same words, or alike with the same answer."""
    if is_same(one.question, other.question) or token_f1(one.question, other.question) >= SAME_WORDS:
        return True
    a, b = set(content(one.question)), set(content(other.question))
    alike = len(a & b) / len(a | b) if a | b else 1.0
    return alike >= SAME_CONTENT or (alike >= SAME_CONTENT_AND_ANSWER and is_same(one.answer, other.answer))


def is_repeated(one: Proposal, other: Proposal) -> bool:
    """Whether question and answer are the same words; what two panels of a page must not share."""
    return is_same(one.question, other.question) and is_same(one.answer, other.answer)


def sift(
    items: Sequence[Proposal | None],
    *,
    language: Language,
    phrases: Sequence[str],
    known: Sequence[Proposal],
    most: int,
) -> tuple[list[Proposal], list[Filter]]:
    """What is kept of the proposals about one panel, and why the others are not, both in order.

    Args:
        phrases: all phrases that locate the panel.
        known: questions that the panel has already.
        most: questions to keep at most.
    """
    kept: list[Proposal] = []
    rejected: list[Filter] = []
    for item in items:
        failure = first_failure(item, language, phrases)
        if item is None or failure is not None:
            rejected.append(failure or "malformed")
        elif any(is_duplicate(item, other) for other in (*known, *kept)):
            rejected.append("duplicate")
        elif len(kept) == most:
            rejected.append("surplus")
        else:
            kept.append(item)
    return kept, rejected
