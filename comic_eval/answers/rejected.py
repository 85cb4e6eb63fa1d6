"""Words that turn a choice down, so that its letter or text is not taken for the answer.

All patterns are for `formats.unmark`-ed `canonical` text, in which runs of blanks are single.
"""

from __future__ import annotations

import re

NEGATION = re.compile(
    r"\b(?:not|never|neither|nor|cannot|hardly|scarcely|doubt\w*|no (?:evidence|sign|proof|reason|indication|way)"
    r"|pas|ni|jamais|aucune?|guère|rien n'indique|rather than|instead of|plutôt que|au lieu de|unlike"
    r"|except(?: for)?|other than|sauf|hormis|autre que|eliminat\w*|rules? out|ruled out|wrong|incorrect|faux|fausse"
    r"|exclu\w*)\b|n't\b",
    re.IGNORECASE,
)
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
# "They could be the same" commits to nothing; "perhaps" and "probably" give an answer, if a timid one.
UNDECIDED = re.compile(
    r"\b(?:could|might|may|pourrai(?:en)?t|peu(?:ven)?t(?: être)?|(?:it is|it's|c'est|il est) possible)\b",
    re.IGNORECASE,
)
_NOT_BUT = re.compile(
    r"\b(?P<verb>is |was |it's |isn't |n'est )?(?:not|pas|isn't)?(?: option| choice| l'option| la| le)? ?"
    r"\(?[A-Z0-9]\)?,? (?:but|mais)(?: rather| instead| plutôt| bien)? ",
)
# "Anything but A": its "but" would part what it turns down from the word that does.
_ALL_BUT = re.compile(
    r"\b(?:(?:any|every)(?:thing|one|body)?|all|(?:any|all|every) (?:options?|choices?|answers?|of them))"
    r" (?:but|except(?: for)?|save) "
    r"|\b(?:n'importe (?:quoi|qui|laquelle|lequel)|toute?s?|tous|toutes les (?:options|réponses))"
    r" (?:sauf|hormis|excepté) ",
    re.IGNORECASE,
)
_NOT_THE_SAME = re.compile(
    r"(?:\b(?:do|does|are|is) not|(?:do|does|are|is)n't|\bnot)(?: (?:actually|likely|probably|appear|look|seem|to|be"
    r"|like|depict|show|represent)){0,4} the same (?:character|person|figure|individual)s?\b"
    r"|(?<=\bthey )(?:are not|aren't) the same\b(?! \w)"
    r"|\bn(?:e|')(?: ?(?:sont|est|semblent|représentent|montrent|être)){1,2} (?:donc |clairement )?pas (?:être )?"
    r"(?:du tout )?(?:le|la|les) mêmes? (?:personnages?|personnes?)\b",
    re.IGNORECASE,
)


def without_rejected(text: str) -> str:
    """ "It is not A but B" as "It is B", and "anything but A" as "not A", in both languages."""

    def keep(match: re.Match[str]) -> str:
        said = match[0].casefold()
        if not re.search(r"\b(?:not|pas|isn't)\b", said):
            return match[0]
        verb = match["verb"] or ("is " if said.startswith("isn't") else "")
        return {"n'est ": "est ", "isn't ": "is "}.get(verb.casefold(), verb)

    return _ALL_BUT.sub("not ", _NOT_BUT.sub(keep, text))


def without_not_the_same(text: str) -> str:
    """ "They are not the same character" as "They are different", in both languages. Without it, a question whether two
    characters are the same would be read where the answer is yes, and not where it is no."""
    return _NOT_THE_SAME.sub(lambda m: "personnages différents" if "même" in m[0] else "are different characters", text)
