"""Sentences that deny all that they say: "it is not true that ...", "rien n'indique que ..."."""

from __future__ import annotations

import re

# "It is not true that ..." denies all that follows in its sentence, not its first clause alone.
_DENIAL = re.compile(
    r"\W*(?:(?:no|non),? )?(?:"
    r"(?:it|this|that)(?:'s| is| was| seems)?(?: simply| clearly| definitely)?(?: not|n't) (?:at all )?"
    r"(?:true|the case|correct|accurate|right|so)"
    r"|(?:it|this|that)(?:'s| is| was) (?:false|untrue|incorrect|wrong|inaccurate|a mistake|hardly true)"
    r"|it would be (?:false|wrong|incorrect|a mistake)"
    r"|there(?:'s| is| was) no (?:evidence|sign|indication|proof|suggestion)|nothing (?:shows|suggests|indicates|says)"
    r"|(?:i|we|you) (?:do not|don't|cannot|can't|can not) (?:think|believe|say|claim|agree|confirm)"
    r"|(?:i|we) (?:doubt|deny)"
    r"|(?:il|ce|c')(?: est| n'est|n'est|est|ne serait)(?: pas)?"
    r" (?:vrai|exact|correct|juste|faux|inexact|incorrect|le cas)"
    r"|rien (?:n'indique|ne (?:montre|prouve|suggère|dit))|(?:on|je|nous) (?:ne |n')\w+ pas (?:dire|affirmer|croire)"
    r"|(?:on|je|nous) ne (?:pense|crois|croit|pensons|croyons)(?: pas)?|je doute|on doute|je nie"
    r")(?: to (?:say|claim|think)| de dire| d'affirmer)?(?: that\b| que\b| qu'| of\b|,|:| to\b)",
    re.IGNORECASE,
)
# "Il est vrai que" affirms.
_AFFIRMS = re.compile(r"\W*(?:il|c') ?est (?:vrai|exact|correct|juste)\b", re.IGNORECASE)


def is_denied(sentence: str) -> bool:
    """Whether a sentence opens with words that deny the rest of it: "it is not true that", "rien n'indique que"."""
    return bool(_DENIAL.match(sentence)) and not _AFFIRMS.match(sentence)
