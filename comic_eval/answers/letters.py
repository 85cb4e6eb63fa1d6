"""Where a letter is a choice: by its form and by the words around it, never by itself.

A bare "A" that a lower-case word follows is an article; the B of "character B" is a mark on the page, which names a
choice only where the choices' texts say so.
"""

from __future__ import annotations

import re

from comic_eval.answers.choice_table import ChoiceTable

AMBIGUOUS = "ambiguous"
OUT_OF_RANGE = "out_of_range"
_LETTER = re.compile(
    r" ?(?:(?:the|la|le|l'|our|is|est|my|ma) ?)?"
    r"(?:(?:correct|right|best|bonne|final|first|second) )?"
    r"(?:(?P<plain>option|choice|letter|answer|lettre|choix|réponse|reponse|proposition|number|numéro) ?:? ?"
    r"|(?P<mark>(?:the |la |le )?(?:character|panel|candidate|image|picture|figure|box|one|person|personnage|case"
    r"|vignette|candidate?|celle|celui|cadre|order|ordre)(?: (?:marked|labell?ed|marquée?|désignée?|notée?))?) ?)?"
    r"(?:(?<!\w)\((?P<deco>[A-Za-z])\)|(?P<bare>[A-Za-z])(?![\w']|\.[A-Za-z]))",
    re.IGNORECASE,
)
# Words that may follow the letter "A" where it is the answer and not an article.
_CLAUSE = re.compile(
    r" (?:because|since|as|for|due|is|was|seems|looks|appears|and|or|but|which|where|given|based|car|parce|puisque|est"
    r"|et|ou|mais|qui|semble|comme|étant)\b",
)
_ANOTHER = re.compile(
    r"[.)]? ?(?:\(?(?:or|and|ou|et|/|&|\+|vs\.?)\)? ?|, ?(?=\(?[A-Z]\)? ?(?:,|and\b|or\b|ou\b|et\b|&|[.!]?$)))"
    r"(?:(?:possibly|perhaps|maybe|even|also|peut-être|éventuellement|both|option|choice|l'option|la|le|letter"
    r"|character|panel|personnage|case) ){0,2}\(?(?P<letter>[A-Z])\b(?!')",
    re.MULTILINE,
)
_JOINED = re.compile(r"(?<![\w'])(?P<one>[A-Z])\)? ?(?:or|and|ou|et|/|&|,) ?\(?(?P<other>[A-Z])(?![\w'])")
# Capitals that stand alone; an "A" or "I" only where a verb shows that it is no article or pronoun.
_LONE_LETTER = re.compile(rf"(?<![\w'])(?:[B-HJ-Z](?![\w'])|A(?={_CLAUSE.pattern}))")
_CAPITAL = re.compile(r"(?<![\w'])[A-Z](?![\w'])")
_OF_A_MARK = re.compile(
    r"(?:marked|labell?ed|marquée?|désignée?|character|figure|person|panel|box|personnage|case|cadre) \(?[A-Z]\)?[.!]*$"
)
_SUBJECT = re.compile(
    r"(?:so|therefore|thus|hence|donc|ainsi)?,? ?(?P<letter>(?-i:[A-Z]))"
    r" (?:is|appears|looks|seems|stands|est|semble|paraît)\b",
    re.IGNORECASE,
)
_FINAL_LETTER = re.compile(r"(?<![\w'])(?P<letter>[A-Z])\)?[.!]*$")
# "Plan B" and "Vitamin C" are names: a noun with a letter that is none of ours.
_NAME = re.compile(
    r"\b(?:plans?|vitamine?s?|types?|groupe?s?|grades?|hepatitis|hépatite|sections?|appendix|annexe|routes?|class|classe"
    r"|category|catégorie|levels?|niveau|sides?|face|teams?|équipe|points?|blocks?|bloc|rooms?|salle|lines?|ligne|parts?"
    r"|partie|exhibits?|notes?|columns?|colonne|rows?|rangée|zones?|gates?|doors?|porte|streets?|avenue|building|bâtiment"
    r"|series|série|version|volumes?|tome|chapters?|chapitre|tables?|tableau|size|taille|model|modèle|agent|mr|mrs|ms"
    r"|dr|monsieur|madame|doctor|docteur|professor|professeur|key|touche|blood|sang|school|école|major|minor|majeur"
    r"|mineur|drive|disque|unit|unité|phase|stage|étape|step|case|scenario|scénario|formula|formule)"
    r"[ :,]{1,3}[A-Z]\)?[.!]*$",
    re.IGNORECASE,
)
# Two words, the second one a letter, are a name too ("Hat A") unless the first one points at a choice.
_TWO_WORDS = re.compile(
    r"(?!(?:option|choice|answer|letter|candidate|image|picture|order|so|thus|therefore|hence|it's|that's|is|definitely"
    r"|probably|maybe|perhaps|clearly|likely|pick|choose|select|say|choix|réponse|reponse|lettre|proposition|candidate?"
    r"|donc|c'est|est|sûrement|probablement|peut-être|ordre|figure|panel|character|vignette|cadre|personnage)\b)"
    r"[^\W\d_]+\.? [A-Z][.!]*",
    re.IGNORECASE,
)


class Letters:
    """Finds letters that are choices. A result is a letter, ``ambiguous`` or ``out_of_range``, or None for nothing."""

    def __init__(self, table: ChoiceTable) -> None:
        self._table = table

    def in_range(self, letter: str) -> str:
        return letter if letter in self._table.letters else OUT_OF_RANGE

    def at(self, text: str, at: int, *, alone: bool = False) -> tuple[str | None, int]:
        """The letter that stands at ``at``, after words such as "option" or "character"; or ``ambiguous``.

        ``alone``: nothing introduced it, so that a lower-case letter in a sentence cannot be one.
        """
        match = _LETTER.match(text, at)
        if match is None:
            return None, at
        end = match.end()
        written = match["deco"] or match["bare"]
        after = text[end:]
        if match["deco"] is None and not self._is_letter(written, after, bool(match["plain"]), alone):
            return None, at
        letter = written.upper()
        if match["mark"]:
            if letter not in self._table.marks:
                return None, at
            letter = self._table.marks[letter]
        letter = self.in_range(letter)
        another = _ANOTHER.match(after)
        if another and another["letter"] != written.upper() and another["letter"] in self._table.letters:
            return AMBIGUOUS, end
        return letter, end

    def _is_letter(self, written: str, after: str, introduced: bool, alone: bool) -> bool:
        """Whether a bare letter is a choice and no article, pronoun or initial."""
        if written.isupper():
            if written not in "AIY" or not re.match(r" [a-zà-ÿ']", after):
                return True
            return bool(_CLAUSE.match(after)) and (written == "A" or introduced)
        if after and after[0] in ".)" and not re.match(r"\.\w", after):
            return True
        return not after.strip(" \n") and (introduced or (not alone and written not in "aiy"))

    def before(self, body: str, end: int) -> str | None:
        """The letter that ends at ``end``: "option B" before "is correct"."""
        match = re.search(
            r"(?<![\w'])(?:(?P<mark>character|panel|candidate|personnage|case|vignette) )?\(?(?P<letter>[A-Z])\)?$",
            body[max(0, end - 30) : end],
        )
        if match is None or re.search(r"\b(?:and|or|et|ou|nor|ni) \(?[A-Z]\)?$", body[max(0, end - 30) : end]):
            return None
        if match["mark"]:
            return self._table.marks.get(match["letter"])
        return self.in_range(match["letter"])

    def inside(self, sentence: str) -> set[str]:
        """Letters that are choices by their form: "(B)", "option B", "B" at the very end."""
        found = set()
        for match in _LETTER.finditer(sentence):
            if match["deco"] and not match["mark"]:
                found.add(self.in_range(match["deco"].upper()))
            elif match["plain"] and match["bare"] and match["bare"].isupper():
                found.add(self.in_range(match["bare"]))
            elif match["mark"]:
                label = (match["deco"] or match["bare"]).upper()
                if (match["deco"] or match["bare"]).isupper() and label in self._table.marks:
                    found.add(self._table.marks[label])
        subject = _SUBJECT.match(sentence)
        if subject and subject["letter"] in self._table.marks:
            found.add(self._table.marks[subject["letter"]])
            found |= {self._table.marks.get(label, OUT_OF_RANGE) for label in _LONE_LETTER.findall(sentence)}
        for match in _JOINED.finditer(sentence):
            found |= {self.in_range(match["one"]), self.in_range(match["other"])}
        final = _FINAL_LETTER.search(sentence.rstrip())
        if final and not _OF_A_MARK.search(sentence) and not _is_name(sentence):
            found |= {self.in_range(c) for c in _LONE_LETTER.findall(sentence)}
            # "A overlaps B" says something of both.
            found |= {self._table.marks[c] for c in _CAPITAL.findall(sentence) if c in self._table.marks}
            found.add(self.in_range(final["letter"]))
        return found


def _is_name(sentence: str) -> bool:
    return bool(_NAME.search(sentence) or _TWO_WORDS.fullmatch(sentence.strip()))
