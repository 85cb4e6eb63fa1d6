"""What every single sample must meet before anything can be done with it: cheap, and without opening its image."""

from __future__ import annotations

import re
from collections.abc import Iterator

from comic_eval.benchmark.defects import Defect, quoted
from comic_eval.benchmark.format import SAMPLES
from comic_eval.benchmark.paths import path_problem
from comic_eval.types import CHOICE_LETTERS, Box, Sample

WHOLE_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


def check_sample(sample: Sample, line: int | None = None) -> Iterator[Defect]:
    """The defects of one sample that show in its line alone."""

    def defect(field: str, message: str, fix: str) -> Defect:
        return Defect(file=SAMPLES, line=line, field=field, message=message, fix=fix)

    for name in ("id", "task", "split", "page", "pair_id"):
        value = getattr(sample, name)
        if value is not None and (not value.isprintable() or value != value.strip()):
            yield defect(name, f"{quoted(value)} holds control characters or outer spaces", "remove them")
    if problem := path_problem(sample.image):
        yield defect("image", f"{quoted(sample.image)} {problem}", "name a file below the benchmark folder")
    if sample.image_size is not None and min(sample.image_size) < 1:
        yield defect("image_size", f"is {list(sample.image_size)}", "write the width and height in pixels")
    if not sample.question.strip():
        yield defect("question", "is blank", "write the question")
    for i, fact in enumerate(sample.facts):
        if not fact.strip():
            yield defect(f"facts[{i}]", "is blank", "remove it")
    for field, message, fix in (*_choices(sample), *_composite(sample), *_marks(sample), *_boxes(sample)):
        yield defect(field, message, fix)


def boxes(sample: Sample) -> Iterator[tuple[str, Box]]:
    """Every box of a sample with the name of its field."""
    for i, region in enumerate(sample.regions):
        yield f"regions[{i}].box", region.box
    for i, mark in enumerate(sample.marks):
        yield f"marks[{i}].box", mark.box
    if sample.composite is not None:
        for i, box in enumerate(sample.composite.slots):
            yield f"composite.slots[{i}]", box
        for i, box in enumerate(sample.composite.candidates):
            yield f"composite.candidates[{i}]", box


def outside(box: Box, width: int, height: int) -> str | None:
    """What is wrong where ``box`` leaves a page of ``width`` x ``height`` pixels; None where it does not."""
    if box.within(width, height):
        return None
    return f"{box.as_list()} lies outside its page of {width} x {height} pixels"


def _boxes(sample: Sample) -> Iterator[tuple[str, str, str]]:
    if sample.image_size is not None:
        for field, box in boxes(sample):
            if problem := outside(box, *sample.image_size):
                yield field, problem, "clip the box at the page, or correct image_size"


def _choices(sample: Sample) -> Iterator[tuple[str, str, str]]:
    choices, answer = sample.choices, sample.answer
    if choices is None:
        if not answer.strip():
            yield "answer", "is blank", "write the answer"
        return
    if not 2 <= len(choices) <= len(CHOICE_LETTERS):
        fix = f"give 2 to {len(CHOICE_LETTERS)} choices, or null where there are none"
        yield "choices", f"has {len(choices)} entries", fix
        return
    first: dict[str, int] = {}
    for i, choice in enumerate(choices):
        key = " ".join(choice.split())
        if not key:
            yield f"choices[{i}]", "is blank", "write its text"
        elif key in first:
            yield f"choices[{i}]", f"{quoted(choice)} repeats choices[{first[key]}]", "make the choices differ"
        first.setdefault(key, i)
    if answer not in tuple(sample.letters):
        same = [CHOICE_LETTERS[i] for i, choice in enumerate(choices) if choice == answer]
        fix = f"write the choice's letter, {same[0]!r}" if same else "write the right choice's letter"
        yield "answer", f"{quoted(answer)} is not among the choices {', '.join(sample.letters)}", fix


def _marks(sample: Sample) -> Iterator[tuple[str, str, str]]:
    seen: set[str] = set()
    for i, mark in enumerate(sample.marks):
        if not mark.label.strip():
            yield f"marks[{i}].label", "is blank", "give the mark a letter"
        elif mark.label in seen:
            yield f"marks[{i}].label", f"{quoted(mark.label)} stands twice", "give every mark a letter of its own"
        seen.add(mark.label)


def _composite(sample: Sample) -> Iterator[tuple[str, str, str]]:
    if sample.composite is None:
        return
    slots, candidates = sample.composite.slots, sample.composite.candidates
    if not slots:
        yield "composite.slots", "is empty", "name the boxes that are blanked"
    if len(candidates) < 2:
        yield "composite.candidates", f"has {len(candidates)} boxes", "give at least two candidates"
    elif sample.choices is not None and len(candidates) != len(sample.choices):
        message = f"has {len(candidates)} boxes for {len(sample.choices)} choices"
        yield "composite.candidates", message, "give one box a choice"
    for i, box in enumerate(candidates[1:], start=1):
        # Rounding to whole pixels may cost one; more would let the slot's shape give the answer away.
        if abs(box.width - candidates[0].width) > 1 or abs(box.height - candidates[0].height) > 1:
            message = f"is {box.width:g} x {box.height:g}, not as large as the first candidate"
            yield f"composite.candidates[{i}]", message, "crop all candidates to one shape"
