"""Which regions of a page the crop views show.

``Region.target`` alone decides what an oracle crop is. Everything here is chosen by the sample alone, so that every
model gets the same crops.
"""

from __future__ import annotations

import hashlib
import math

from comic_eval.images.not_applicable import NotApplicableError
from comic_eval.images.picture import Cut
from comic_eval.types import Box, Sample

COUNTING = "character_counting"
CHARACTER_TASKS = ("action_recognition", "character_identification")
# A wrong panel may share at most this part of its own area, or of a right one's, with a right one.
MOST_SHARED = 0.05
# Panels whose areas differ by less than about a tenth from one another are of one size.
SIZE_STEP = 0.1


def targets(sample: Sample) -> tuple[Cut, ...]:
    """The target regions one by one, in mark order, never their union; for Counting every panel of the page.

    Raises:
        NotApplicableError: there is no target region, or Counting's panels are not all known.
    """
    if not sample.targets:
        raise NotApplicableError(sample.id, "no_target_region")
    if sample.task == COUNTING:
        return tuple(Cut(box) for box in _every_panel(sample))
    return tuple(Cut(box) for box in sample.targets)


def characters(sample: Sample) -> tuple[Cut, ...]:
    """The marked characters, in mark order.

    Raises:
        NotApplicableError: the task has no such view, or nothing is marked.
    """
    if sample.task not in CHARACTER_TASKS or not sample.marks:
        raise NotApplicableError(sample.id, "no_character_view" if sample.targets else "no_target_region")
    return tuple(Cut(mark.box) for mark in sample.marks)


def noise(sample: Sample) -> tuple[Cut, ...]:
    """Noise for each oracle crop: what is gained by a picture of that size and place in the prompt, whatever it shows.

    Counting has as many noise pictures as its page has panels, which its oracle crop gives away just the same.

    Raises:
        NotApplicableError: there is no oracle crop.
    """
    return tuple(Cut(cut.box, noise=f"{_name(sample)}/{i}") for i, cut in enumerate(targets(sample)))


def other_panels(sample: Sample) -> tuple[Cut, ...]:
    """A wrong panel of the page for each oracle crop: not a target, clear of every target, and nearest to it in area.

    No panel is shown twice. Of panels about equally near in size the sample's id chooses.

    Raises:
        NotApplicableError: there are too few such panels. Counting never has one, since its oracle view shows them all.
    """
    boxes = [cut.box for cut in targets(sample)]
    wrong = [
        region.box
        for region in sample.regions
        if region.role == "panel" and not region.target and all(_clear(region.box, box) for box in boxes)
    ]
    if len(wrong) < len(boxes):
        raise NotApplicableError(sample.id, "no_wrong_panel")
    chosen: list[Box] = []
    for box in boxes:
        free = [other for other in wrong if other not in chosen]
        chosen.append(min(free, key=lambda other: (_difference(other, box), _lot(sample, other))))
    return tuple(Cut(box) for box in chosen)


def _every_panel(sample: Sample) -> list[Box]:
    """All panels of the page in reading order, which does not tell the right ones from the others."""
    named = {region.box: region.target for region in sample.regions if region.role == "panel"}
    stated = sample.metadata.get("page_panels")
    complete = stated == len(named) if stated is not None else not all(named.values())
    if not complete:
        raise NotApplicableError(sample.id, "panels_unknown")
    rows: list[list[Box]] = []
    for box in sorted(named, key=lambda box: (box.y1, box.x1)):
        if rows and box.y1 < rows[-1][0].center[1]:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row, key=lambda box: box.x1)]


def _clear(other: Box, target: Box) -> bool:
    return other.intersection(target) <= MOST_SHARED * min(other.area, target.area)


def _difference(other: Box, target: Box) -> int:
    return round(abs(math.log(other.area / target.area)) / SIZE_STEP)


def _lot(sample: Sample, box: Box) -> str:
    return hashlib.sha256(f"{_name(sample)} {box.as_list()}".encode()).hexdigest()


def _name(sample: Sample) -> str:
    """The same for both languages of a question, so that they are shown the same."""
    return sample.pair_id or sample.id
