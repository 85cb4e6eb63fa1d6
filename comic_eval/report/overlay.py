"""Boxes over the page: what the question is about, and where the model looked.

The drawing's own coordinates are page pixels (a composite's candidates included, since the page stands at its origin),
so whatever the size at which the page was sent or is shown, boxes lie where they belong.
"""

from __future__ import annotations

from collections.abc import Sequence

from comic_eval.report.markup import Html, element
from comic_eval.types import Box, Region
from comic_eval.zoom.trace import ZoomCall

# Height of a label in the units of its own group, which a script scales so that labels stay readable at any size.
TAG_HEIGHT, CHARACTER_WIDTH, TAG_PADDING = 18, 8, 10


def overlay(
    frame: tuple[int, int], targets: Sequence[Box], others: Sequence[Region], calls: Sequence[ZoomCall]
) -> Html:
    """The boxes as an SVG over a page of ``frame`` (width, height) pixels.

    Args:
        frame: of the picture before it was resized for sending.
        targets: the sample's target boxes.
        others: its further regions.
        calls: the zoom calls, in order.
    """
    tags: list[Html] = []
    layers = [_box(region.box, "region", f"{region.role} {region.label or ''}".strip()) for region in others]
    for number, box in enumerate(targets, 1):
        layers.append(_box(box, "target", f"target {number}"))
        tags.append(_tag(f"T{number}", "target", box.x2, box.y1, end=True))
    corners: list[tuple[float, float]] = []
    for number, call in enumerate(calls, 1):
        corner = call.executed or call.requested
        if corner is None:
            continue
        # Labels of boxes that begin at one place stand side by side.
        beside = sum(abs(corner.x1 - x) + abs(corner.y1 - y) < 0.02 * sum(frame) for x, y in corners)
        corners.append((corner.x1, corner.y1))
        kind = "requested" if call.executed is None else "executed"
        tags.append(_tag(str(number), kind, corner.x1, corner.y1, beside=beside, call=number))
        if call.executed is not None:
            layers.append(_box(call.executed, "executed", f"zoom {number}, cut out", call=number))
        if call.requested is not None:
            layers.append(_box(call.requested, "requested", f"zoom {number}, asked for", call=number))
    return element(
        "svg",
        *layers,
        *tags,
        class_="boxes",
        viewBox=f"0 0 {frame[0]} {frame[1]}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"Boxes on the page: {len(targets)} targets, {len(calls)} zooms",
    )


def numbers(box: Box) -> str:
    """``[x1, y1, x2, y2]`` in whole page pixels."""
    return "[" + ", ".join(f"{v:.0f}" for v in box.as_list()) + "]"


def _box(box: Box, kind: str, title: str, *, call: int | None = None) -> Html:
    place = {"x": box.x1, "y": box.y1, "width": box.width, "height": box.height}
    return element(
        "g",
        element("title", f"{title}: {numbers(box)}"),
        element("rect", class_="halo", **place),
        element("rect", class_="line", **place),
        class_=f"box {kind}",
        data_call=call,
        data_box=numbers(box),
    )


def _tag(
    label: str, kind: str, x: float, y: float, *, end: bool = False, beside: int = 0, call: int | None = None
) -> Html:
    """A label at a corner; ``end``: it ends there instead of beginning, ``beside`` others stand there already."""
    width = len(label) * CHARACTER_WIDTH + TAG_PADDING
    left = -width if end else beside * (width + 2)
    tag = element(
        "g",
        element("rect", x=left, y=0, width=width, height=TAG_HEIGHT, rx=3),
        element("text", label, x=left + width / 2, y=13, text_anchor="middle"),
        class_="tag",
        data_x=x,
        data_y=y,
        transform=f"translate({x:g} {y:g}) scale(2)",
    )
    return element("g", tag, class_=f"box {kind}", data_call=call)
