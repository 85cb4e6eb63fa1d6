"""What a sample must be like because of its task: kind of answer, number of target regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from comic_eval import plugins
from comic_eval.benchmark.checks import WHOLE_NUMBER
from comic_eval.benchmark.defects import Defect, quoted
from comic_eval.benchmark.format import SAMPLES
from comic_eval.types import Sample

Kind = Literal["choice", "number", "open"]

# How many target regions a question of ours has: what it is about, and nothing else. Character Counting is about every
# panel with the character, so it has as many as its answer says.
TARGETS = {
    "panel_understanding": 1,
    "action_recognition": 1,
    "depth_comparison": 1,
    "dialog_reordering": 0,
    "panel_reordering": 0,
    "character_identification": 2,
}
COUNTING = "character_counting"


def task_kinds() -> dict[str, Kind]:
    """The kind of every task that is installed, by name."""
    return {name: plugins.get_task(name).info.kind for name in plugins.names("tasks")}


def check_kind(sample: Sample, line: int | None, kinds: Mapping[str, Kind]) -> Iterator[Defect]:
    """Defects of choices and answer under the kind of the sample's task; nothing is said of an unknown task."""

    def defect(field: str, message: str, fix: str) -> Defect:
        return Defect(file=SAMPLES, line=line, field=field, message=message, fix=fix)

    kind = kinds.get(sample.task)
    if kind == "choice" and sample.choices is None:
        yield defect("choices", f"is null, but {sample.task} is a choice task", "list the texts of the choices")
    if kind in ("number", "open") and sample.choices is not None:
        yield defect("choices", f"is a list, but {sample.task} has no choices", "write null")
    if kind == "number" and sample.choices is None and not WHOLE_NUMBER.fullmatch(sample.answer):
        message = f"{quoted(sample.answer)} is not a number, but {sample.task} counts"
        yield defect("answer", message, 'write a whole number in digits as a string, such as "3"')


def check_targets(sample: Sample, line: int | None) -> Iterator[Defect]:
    """Defects of the number of target regions; only tasks of ours are known."""
    expected = TARGETS.get(sample.task)
    if sample.task == COUNTING and WHOLE_NUMBER.fullmatch(sample.answer):
        expected = int(sample.answer)
    found = len(sample.targets)
    if expected is not None and found != expected:
        yield Defect(
            file=SAMPLES,
            line=line,
            field="regions",
            message=f"has {found} target regions, but {sample.task} needs {expected}"
            + (" (the panels that the answer counts)" if sample.task == COUNTING else ""),
            fix='set "target": true on what the question is about, or state "targets": false in benchmark.json',
        )
