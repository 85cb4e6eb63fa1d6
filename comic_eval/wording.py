"""The words of the prompts, in English and French, and how they are put together.

The image comes before the text, the question before the choices, and the form of the answer last. What is said about
pictures, marks and places follows from what is shown, so that no prompt speaks of something a model cannot see: the
blind view says that the page is missing, and asks the same question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from comic_eval.types import Language, Sample

Shown = Literal["page", "crop", "page+crop", "nothing"]
Kind = Literal["choice", "number", "open"]
Bilingual = Mapping[Language, str]

SHOWN: Mapping[Shown, Bilingual] = {
    "page": {
        "en": "The image shows a page of a comic.",
        "fr": "L'image montre une page de bande dessinée.",
    },
    # One wording for one crop or several: their number would tell the answer of a counting question.
    "crop": {
        "en": "You are shown one or more parts of a comic page.",
        "fr": "On vous montre une ou plusieurs parties d'une page de bande dessinée.",
    },
    "page+crop": {
        "en": "The first image shows a page of a comic; after it come one or more parts of that page, enlarged.",
        "fr": "La première image montre une page de bande dessinée ; "
        "elle est suivie d'une ou plusieurs parties de cette page, agrandies.",
    },
    "nothing": {
        "en": "This question is about a comic page that is not shown. Give the answer that is most likely.",
        "fr": "Cette question porte sur une page de bande dessinée qui n'est pas montrée. "
        "Donnez la réponse la plus probable.",
    },
}

MARKS: Bilingual = {
    "en": "Labelled boxes were drawn on the comic to mark what the question is about; they are not part of it.",
    "fr": "Des cadres étiquetés ont été tracés sur la bande dessinée pour désigner ce dont parle la question ; "
    "ils n'en font pas partie.",
}

COMPOSITE: Bilingual = {
    "en": "Panels were lifted out of the page: the empty places are numbered in reading order, and a picture from each "
    "of these panels stands to the right of the page, labelled {labels}.",
    "fr": "Des cases ont été retirées de la page : les places vides sont numérotées dans l'ordre de lecture, et une "
    "image tirée de chacune de ces cases se trouve à droite de la page, désignée par les lettres {labels}.",
}

POSITION: Bilingual = {
    "en": "The question is about this panel: {position}.",
    "fr": "La question porte sur cette case : {position}.",
}

QUESTION: Bilingual = {"en": "Question: {question}", "fr": "Question : {question}"}
CHOICES: Bilingual = {"en": "Choices:", "fr": "Choix :"}
OR: Bilingual = {"en": "or", "fr": "ou"}
AND: Bilingual = {"en": "and", "fr": "et"}

# The word inside the tags must never read as an answer when a model repeats the prompt: comic_eval.answers.tags
# knows these placeholders.
ANSWER_FORM: Mapping[Kind, Bilingual] = {
    "choice": {
        "en": "You may think first, in a few sentences. Then finish with the letter of the right choice ({letters}) "
        "in this form: <answer>letter</answer>",
        "fr": "Vous pouvez d'abord réfléchir, en quelques phrases. Terminez ensuite par la lettre du bon choix "
        "({letters}) sous cette forme : <answer>lettre</answer>",
    },
    "number": {
        "en": "You may think first, in a few sentences. Then finish with one whole number, in digits, "
        "in this form: <answer>number</answer>",
        "fr": "Vous pouvez d'abord réfléchir, en quelques phrases. Terminez ensuite par un seul nombre entier, "
        "en chiffres, sous cette forme : <answer>nombre</answer>",
    },
    "open": {
        "en": "You may think first, in a few sentences. Then finish with your answer, in one or two sentences, "
        "in this form: <answer>your answer</answer>",
        "fr": "Vous pouvez d'abord réfléchir, en quelques phrases. Terminez ensuite par votre réponse, en une ou deux "
        "phrases, sous cette forme : <answer>votre réponse</answer>",
    },
}


def listed(items: Sequence[str], joint: str) -> str:
    """``"A, B, C or D"`` for four letters and the joint ``or``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {joint} {items[-1]}"


def context(sample: Sample, shown: Shown) -> str:
    """What the images are and what was drawn on them; where the panel is, unless the crop already says so."""
    language = sample.language
    lines = [SHOWN[shown][language]]
    if shown != "nothing" and sample.composite is not None:
        letters = [chr(ord("A") + i) for i in range(len(sample.composite.candidates))]
        lines.append(COMPOSITE[language].format(labels=listed(letters, AND[language])))
    elif shown != "nothing" and sample.marks:
        lines.append(MARKS[language])
    text = " ".join(lines)
    if sample.position is not None and shown != "crop":
        text += "\n" + POSITION[language].format(position=sample.position)
    return text


def choices(sample: Sample) -> str:
    """The choices, one a line. A choice whose text is its own letter is not written twice."""
    lines = [CHOICES[sample.language]]
    for letter, text in zip(sample.letters, sample.choices or (), strict=True):
        lines.append(letter if text.strip() == letter else f"{letter}. {text}")
    return "\n".join(lines)


def prompt(sample: Sample, *, shown: Shown, kind: Kind) -> str:
    """The whole text that follows the images; it depends on nothing that a `Question` does not hold."""
    language = sample.language
    parts = [context(sample, shown), QUESTION[language].format(question=sample.question)]
    if sample.choices:
        parts.append(choices(sample))
    form = ANSWER_FORM[kind][language]
    parts.append(form.format(letters=listed(sample.letters, OR[language])) if kind == "choice" else form)
    return "\n\n".join(parts)
