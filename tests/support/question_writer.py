"""Real pages without questions, and a model that writes some when it is asked in the words of the prompts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.mock_openai import RecordedRequest
from support.openai_replies import Reply
from support.pepper_carrot import FOLDER

# Five panels, each with an unambiguous place, on a page of one book in `test`; five more in `train`.
PAGE, OTHER = "pc_e17p02", "pc_e03p01"
Question = dict[str, Any]


def strip_questions(labels: Any) -> None:
    labels["questions"] = []


def copy_pages(
    target: Path,
    ids: tuple[str, ...] = (PAGE,),
    *,
    french: bool = True,
    change: Callable[[Any], object] = strip_questions,
) -> Path:
    """Copies pages of the sample; ``change`` is applied to the labels of both languages."""
    for prefix in ("", "fr/") if french else ("",):
        entries = [e for e in json.loads((FOLDER / prefix / "manifest.json").read_text()) if e["page_id"] in ids]
        for entry in entries:
            for key in ("image", "annotation", "texts"):
                if key in entry:
                    (target / entry[key]).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(FOLDER / entry[key], target / entry[key])
            path = target / (entry.get("annotation") or entry["texts"])
            labels = json.loads(path.read_text(encoding="utf-8"))
            change(labels)
            path.write_text(json.dumps(labels, ensure_ascii=False), encoding="utf-8")
        (target / prefix / "manifest.json").write_text(json.dumps(entries))
    return target


def step_of(request: RecordedRequest) -> str:
    """Which step of the work a request belongs to."""
    for step, words in {
        "caption": ("Describe in two to six", "Décrivez en deux à six"),
        "questions": ("different questions about this panel", "questions différentes sur cette case"),
        "translation": ("Translate them into English", "Traduisez-les en français"),
        "blind": ("that is not shown", "n'est pas montrée"),
    }.items():
        if any(word in request.text for word in words):
            return step
    raise AssertionError(request.text)


def question(text: str, answer: str, *facts: str) -> Question:
    return {"question": text, "answer": answer, "facts": list(facts or (answer,))}


def as_json(*questions: Any) -> str:
    return json.dumps({"questions": list(questions)}, ensure_ascii=False)


HOLDS = question("What does the witch hold in her hand?", "A red bag.", "She holds a red bag")
TIENT = question("Que tient la sorcière dans sa main ?", "Un sac rouge.", "Elle tient un sac rouge")
FACE = question("What kind of face does the man behind the stall make?", "He looks angry.", "He is angry")
TETE = question("Quelle tête fait l'homme derrière l'étal ?", "Il a l'air fâché.", "Il est fâché")


def numbered(template: Question, number: int) -> Question:
    """A variant that no filter takes for a duplicate of another number's."""
    word = ("amber", "bronze", "cobalt", "denim", "ebony", "fuchsia", "golden", "hazel", "ivory", "jade")[number]
    return json.loads(json.dumps(template).replace("red", word).replace("rouge", word).replace("hand", f"{word} hand"))


@dataclass
class Writer:
    """Replies to each step from ``steps``: a text, or a list of which each next request of the step gets the next.

    The last one of a list is repeated.
    """

    steps: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, list[RecordedRequest]] = field(default_factory=dict)

    def __call__(self, request: RecordedRequest) -> str | Reply:
        step = step_of(request)
        self.seen.setdefault(step, []).append(request)
        replies = {**DEFAULTS, **self.steps}[step]
        if callable(replies):
            made: str | Reply = replies(request)
            return made
        if not isinstance(replies, list):
            return replies
        return replies[min(len(self.seen[step]), len(replies)) - 1]

    def counts(self) -> dict[str, int]:
        return {step: len(requests) for step, requests in self.seen.items()}


DEFAULTS = {
    "caption": "A witch with a red bag stands before a stall.",
    "questions": as_json(HOLDS, FACE),
    "translation": as_json(TIENT, TETE),
    "blind": "<answer>I would say it is raining</answer>",
}
