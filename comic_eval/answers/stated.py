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
# "The answer is", "Réponse finale :", "Answer (final) ->".
ANSWER_IS = re.compile(
    rf"\b{_NOUN}\b\)?(?: ?\(final\)| to (?:the|this|your) question| à (?:la|cette|votre) question"
    rf"| finale?| correcte?| exacte?| juste| définitive)? ?{_COPULA}{_HEDGE}\n? ?",
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
    r"|(?:it|that|this) (?:is|must be|should be) |it's |that's |(?:c'|ce )est )"
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
# What turns a choice down ("B doesn't fit", "so is C") or leaves it open.
AGAINST = re.compile(
    r"\b(?:less (?:likely|plausible)|least|unlikely|moins (?:probable|plausible)|improbable|wrong|incorrect"
    r"|(?:is|are|ruled) out|so (?:is|are)|hard to|difficult to|difficile|unclear|whether|if|(?:could|might|may) also)\b"
    r"|\b(?:does|do|is|are|was|were|did|can)(?:n't| not)\b|\bn'est pas\b|\bne \w+ pas\b",
    re.IGNORECASE,
)
# What names the other one of two marked characters or lifted panels, where the nearer or the first was asked for.
FARTHER = re.compile(
    r"\b(?:farther|further|farthest|furthest|behind|background|far away|away from|plus (?:éloignée?|loin)|éloignée?"
    r"|derrière|arrière-plan|au fond|(?:place|slot|position|spot|emplacement) ?(?:2|two|deux)|second (?:place|slot))\b",
    re.IGNORECASE,
)
_EITHER = re.compile(
    r"(?:either|neither|soit|one of|between|entre|not|pas|unclear|ambiguous|uncertain)\b", re.IGNORECASE
)
_NOT_BUT = re.compile(
    r"\b(?P<verb>is |was |it's |isn't |n'est )?(?:not|pas|isn't)?(?: option| choice| l'option| la| le)? ?"
    r"\(?[A-Z0-9]\)?,? (?:but|mais)(?: rather| instead| plutôt| bien)? ",
)
_NOT_THE_SAME = re.compile(
    r"(?:\b(?:do|does|are|is) not|(?:do|does|are|is)n't|\bnot)(?: (?:actually|likely|probably|appear|look|seem|to|be"
    r"|like|depict|show|represent)){0,4} the same (?:character|person|figure|individual)s?\b"
    r"|(?<=\bthey )(?:are not|aren't) the same\b(?! \w)"
    r"|\bn(?:e|')(?: ?(?:sont|est|semblent|représentent|montrent|être)){1,2} (?:donc |clairement )?pas (?:être )?"
    r"(?:du tout )?(?:le|la|les) mêmes? (?:personnages?|personnes?)\b",
    re.IGNORECASE,
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


def without_rejected(text: str) -> str:
    """ "It is not A but B" as "It is B", in both languages."""

    def keep(match: re.Match[str]) -> str:
        said = match[0].casefold()
        if not re.search(r"\b(?:not|pas|isn't)\b", said):
            return match[0]
        verb = match["verb"] or ("is " if said.startswith("isn't") else "")
        return {"n'est ": "est ", "isn't ": "is "}.get(verb.casefold(), verb)

    return _NOT_BUT.sub(keep, text)


def without_not_the_same(text: str) -> str:
    """ "They are not the same character" as "They are different", in both languages. Without it, a question whether two
    characters are the same would be read where the answer is yes, and not where it is no."""
    return _NOT_THE_SAME.sub(lambda m: "personnages différents" if "même" in m[0] else "are different characters", text)


def rest_of_sentence(text: str, start: int) -> str:
    """From ``start`` to the end of the sentence or line, as far as an answer can reach."""
    text = text[start : start + _REACH]
    end = SENTENCE_END.search(text)
    return text[: end.start() if end else len(text)].strip()


def sentences(text: str) -> list[str]:
    """The sentences, a line break ending one too; those without a letter or digit are left out."""
    return [s for s in _SENTENCE.split(text) if any(c.isalnum() for c in s)]
