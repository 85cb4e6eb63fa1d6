"""Sentences that state an answer: where they end, the answer begins.

All patterns are for `formats.unmark`-ed `canonical` text, in which runs of blanks are single.
"""

from __future__ import annotations

import re

_NOUN = (
    r"(?:answers?|réponses?|reponses?|choice|choix|option|selection|solution|verdict|conclusion|result|résultat"
    r"|letter|lettre|order|ordre|count|number|nombre|total)"
)
_COPULA = (
    r"(?:(?:is|are|was|would be|should be|must be|has to be|will be|would therefore be|est|sont|était|serait"
    r"|devrait être|doit être|sera)\b ?:?|[:=]|->|→)"
)
_HEDGE = (
    r"(?:,? ?(?:therefore|thus|then|hence|clearly|obviously|most likely|likely|probably|definitely|simply|indeed"
    r"|actually|just|rather|donc|alors|sans doute|probablement|clairement|bien|en fait|plutôt|certainement"
    r"|effectivement|forcément|le suivant|the following),?){0,2} ?:? ?"
)
# "The answer is", "Réponse finale :", "Answer (final) ->"; Qwen and InternVL say it in Chinese now and then.
ANSWER_IS = re.compile(
    rf"答案(?: ?(?:是|为|:))+ ?|\b{_NOUN}\b\)?(?: ?\(final\)| to (?:the|this|your) question"
    rf"| à (?:la|cette|votre) question| finale?| correcte?| exacte?| juste| définitive)? ?{_COPULA}{_HEDGE}\n? ?",
    re.IGNORECASE,
)
# "Answer" alone on its line, as a heading.
HEADING = re.compile(
    r"^(?:the |la |my |ma )?(?:final |correct )?(?:answer|réponse|choice|choix|conclusion)"
    r"(?: finale?| correcte?)? ?:?\n",
    re.IGNORECASE | re.MULTILINE,
)
# "I would go with", "je choisis", "mon choix se porte sur".
I_CHOOSE = re.compile(
    r"\b(?:(?:i|we)(?:'d|'ll| would| will| have to| must)?(?: therefore| thus)?"
    r" (?:choose|chose|pick|select|selected|go with|say|answer|opt for|guess|settle on|vote for|lean towards?)"
    r"|(?:let's|let us|i'm|i am) (?:go|going) with"
    r"|my (?:best |final )?(?:pick|guess|vote) (?:is|would be)"
    r"|je (?:choisis|sélectionne|dirais|réponds|répondrais|opte pour|pencherais pour|penche pour|prends|choisirais"
    r"|retiens|vote pour)"
    r"|j'(?:opterais pour|opte pour|ai choisi)"
    r"|mon choix (?:est|se porte sur))\b ?:? ?(?:that it(?:'s| is) )?(?:que c'est )?",
    re.IGNORECASE,
)
# "So B", "c'est donc la B", "it is option B".
CONCLUSION = re.compile(
    r"\b(?:(?:so(?! (?:is|are|does|do)\b)|thus|hence|therefore|donc|ainsi|alors|par conséquent|bref|overall"
    r"|in conclusion|en conclusion)\b,? ?"
    r"(?:(?:it|that|this) (?:is|must be|should be|would be) |it's |that's |(?:c'|ce )est )?"
    r"|(?:it|that|this) (?:is|must be|should be|would be) |it's |that's |(?:c'|ce )est )"
    r"(?:therefore |thus |clearly |probably |most likely |likely |donc |bien |sans doute |probablement |plutôt ){0,2}",
    re.IGNORECASE,
)
_RIGHT = (
    r"(?: clearly| definitely| probably| most likely| likely| therefore| thus| donc| bien| clairement| sans doute){0,2}"
    r"(?: the| la| le| my| ma| mon)?(?: only| seule| seul)?"
    r" (?:right|correct|correcte|best|exacte?|juste|bonne|bon|answer|réponse|one that fits|most "
    r"(?:likely|accurate|appropriate|plausible|fitting|suitable)|plus (?:probable|plausible|juste))\b"
)
# What follows a letter that is the answer: "B is correct", "l'option B est la bonne"; and the same with a hedge.
IS_RIGHT = re.compile(rf" ?,? ?(?:is|must be|est){_RIGHT}", re.IGNORECASE)
SEEMS_RIGHT = re.compile(
    rf" ?,? ?(?:looks|seems|appears|semble|paraît|me semble)(?: to be| être)?{_RIGHT}", re.IGNORECASE
)
# The statement only supposes: "if the answer is B", "could the answer be"; or tells what is not the answer: "the only
# wrong option is A".
_SUPPOSING = re.compile(
    r"\b(?:if|whether|suppose|assuming|unless|si|supposons|could|might|would)\b[^.,;:\n]{0,25}$"
    r"|\b(?:wrong|incorrect|unlikely|mauvaise?|least(?: \w+)?) $",
    re.IGNORECASE,
)
# "If she were flying, the answer would be C": contrary to fact, unless the model speaks of itself ("if I must guess").
_CONTRARY = re.compile(r"\b(?:if|unless)\b(?! (?:i|we|you|one|forced|asked|pressed)\b)[^.;!?\n]{0,90}$", re.IGNORECASE)
_WOULD = re.compile(r"[^.,;:\n]{0,25}\bwould\b", re.IGNORECASE)
_EITHER = re.compile(
    r"(?:either|neither|soit|one of|between|entre|not|pas|unclear|ambiguous|uncertain)\b", re.IGNORECASE
)
_REACH = 400
_EXCERPT_HEAD, _EXCERPT_TAIL = 3_000, 12_000
SENTENCE_END = re.compile(r"[.!?;](?=\s|$)|\n")
WHO = re.compile(
    r"\b(?:they|these|those|both|characters?|persons?|people|individuals?|figures?|personnages?|personnes?|ils|elles)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n")


def excerpt(text: str) -> str:
    """Beginning and end of a very long text: an answer without tags stands in one of them."""
    if len(text) <= _EXCERPT_HEAD + _EXCERPT_TAIL:
        return text
    head, tail = text[:_EXCERPT_HEAD], text[-_EXCERPT_TAIL:]
    # What is cut in two is dropped: the 1 of "panel 1" alone would be a count.
    cuts = [_SENTENCE.search(tail), re.search(r"\s", tail)]
    return head + "\n" + tail[next((cut.end() for cut in cuts if cut), 0) :]


def supposes(text: str, start: int) -> bool:
    """Whether the statement at ``start`` is only supposed ("if the answer is B, ..."), or says what is wrong."""
    if _SUPPOSING.search(text[max(0, start - 40) : start]):
        return True
    return bool(_WOULD.match(text, start) and _CONTRARY.search(text[max(0, start - 120) : start]))


def asked(text: str, start: int) -> bool:
    """Whether the sentence that holds ``start`` is a question ("the answer is B?")."""
    end = SENTENCE_END.search(text, start)
    return end is not None and end[0] == "?"


def leaves_open(text: str) -> bool:
    """Whether what follows a statement's opening leaves it open: "either A or B", "not A", "between 2 and 3"."""
    return bool(_EITHER.match(text))


def rest_of_sentence(text: str, start: int) -> str:
    """From ``start`` to the end of the sentence or line, as far as an answer can reach."""
    text = text[start : start + _REACH]
    end = SENTENCE_END.search(text)
    return text[: end.start() if end else len(text)].strip()


def sentences(text: str) -> list[str]:
    """The sentences, a line break ending one too; those without a letter or digit are left out."""
    return [s for s in _SENTENCE.split(text) if any(c.isalnum() for c in s)]
