"""Recognises that a model declines to answer. Only asked where no answer was found: "I cannot see it, but B" is B."""

from __future__ import annotations

import re

from comic_eval.answers.normalise import canonical

_SIGHT = r"(?:image|page|picture|comic|panel|drawing|attachment|content|file|text|planche|case|bande|dessin|contenu)s?"
_DECLINES = re.compile(
    "|".join(
        (
            # English
            r"\b(?:can't|cannot|can not|could not|couldn't|unable to|not able to|impossible to|not possible to)"
            rf" (?:\w+ ){{0,2}}(?:see|view|access|open|load|read|make out|display)\b[^.\n]{{0,30}}\b(?:{_SIGHT}|it)\b",
            r"\b(?:can't|cannot|can not|could not|couldn't|unable to|not able to|impossible to|not possible to)"
            r" (?:\w+ ){0,2}(?:analy[sz]e|examine|determine|determined|identify|tell|answer|answered|provide|help"
            r"|assist|know|say|process|verify|confirm|comply|fulfil|fulfill)\b",
            r"\b(?:don't|do not) (?:know|have (?:access|enough|the image|the ability|any image))\b",
            r"\b(?:i'm|i am) (?:sorry|not sure|afraid)\b",
            r"\bas an ai\b",
            rf"\bno {_SIGHT}(?: (?:is|was|has been|were))? (?:provided|shown|attached|visible|included|uploaded)\b",
            rf"\b(?:there is|there's|i see) no {_SIGHT}\b",
            r"\b(?:please|could you) (?:provide|upload|share|attach|re-?upload)\b",
            r"\bnot enough (?:information|context)\b",
            r"\binsufficient information\b",
            # French
            r"\bje ne (?:peux|sais|parviens|arrive|dispose|suis)\b[^.\n]{0,12}\bpas\b",
            r"\bje ne (?:peux|sais|saurais)\b",
            rf"\bje ne vois (?:pas|aucune?)\b[^.\n]{{0,20}}\b{_SIGHT}\b",
            r"\bje n'ai (?:pas|aucun) (?:accès|assez|d'accès)\b",
            r"\bimpossible (?:pour moi )?(?:de|d'|à) ?(?:déterminer|dire|répondre|voir|savoir|identifier"
            r"|distinguer|lire)\b",
            r"(?:^|[.!\n] ?)(?:je suis )?(?:désolée?|navrée?)(?:,| mais| je)",
            r"\bpas en mesure de\b",
            r"\bincapable de\b",
            rf"\baucune {_SIGHT}(?: n'| fournie| jointe| visible)",
            r"\bveuillez (?:fournir|joindre|partager|télécharger)\b",
            r"\b(?:on ne peut pas|ne peut être) (?:savoir|dire|déterminé|déterminer)\b",
        )
    ),
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"(?:(?:i'm |i am |i apologi[sz]e|je suis |je m'excuse)?(?:sorry|désolée?|unfortunately|malheureusement)?[,.! ]*"
    r"(?:but |mais )?)(?:i\b|i'm\b|je\b|j'|we\b|as an ai|no |there is no|aucune? |il m'est "
    r"|il est impossible|impossible|unable|cannot|can't|not enough|insufficient|it is (?:not possible|impossible)"
    r"|it's (?:not possible|impossible)"
    r"|please|veuillez|could you|the (?:image|page|answer) (?:is|cannot|can't)|on ne peut pas|pas en mesure)",
    re.IGNORECASE,
)
# A refusal stands near the beginning or the end; more text is not searched.
_REACH = 1500


def is_refusal(text: str) -> bool:
    """Whether the text declines: says that it sees no picture, cannot tell, or does not know."""
    text = canonical(text)
    return bool(_DECLINES.search(text[:_REACH]) or _DECLINES.search(text[-_REACH:]))


def declines(text: str) -> bool:
    """The same for an answer in words, whose own story may tell of someone who cannot see, or is sorry: the refusal
    must open the text and be spoken by the model."""
    first = canonical(text).split("\n", 1)[0]
    return bool(_OPENING.match(first)) and is_refusal(first)
