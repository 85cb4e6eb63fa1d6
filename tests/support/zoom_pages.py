"""A benchmark whose pages have coloured panels to find, and servers that zoom in on them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from comic_eval.benchmark import Benchmark, write_benchmark
from comic_eval.types import Box, Composite, Region, Sample
from comic_eval.zoom.coords import CoordSpec
from comic_eval.zoom.tool import NAME
from support.mock_openai import MockOpenAI, RecordedRequest
from support.openai_replies import Reply

SIZE = (500, 700)
WHOLE = Box(x1=0, y1=0, x2=SIZE[0], y2=SIZE[1])
RIGHT, WRONG = "I see. <answer>B</answer>", "<answer>A</answer>"


def target(page: int) -> Box:
    """The panel that the question of a page is about; every page has it elsewhere."""
    return Box(x1=20 + 10 * page, y1=70, x2=220 + 10 * page, y2=350)


def make_zoom_pages(folder: Path, pages: int = 3, *, composite: bool = False) -> Benchmark:
    """Writes a benchmark of one action question a page (right answer B), and one Panel Reordering sample if asked."""
    drawn = folder.parent / f"{folder.name}-drawn"
    drawn.mkdir(parents=True)
    images: dict[str, Path] = {}
    samples = []
    for page in range(pages):
        picture = Image.radial_gradient("L").resize(SIZE).convert("RGB")
        box = target(page)
        x1, y1, x2, y2 = (int(v) for v in box.as_list())
        picture.paste((200, 10, 10), (x1, y1, x2, y2))
        name = f"images/{page}.png"
        picture.save(drawn / f"{page}.png")
        images[name] = drawn / f"{page}.png"
        other = Box(x1=20, y1=400, x2=220, y2=680)
        common: dict[str, Any] = {"split": "test", "page": f"p{page}", "image": name, "image_size": SIZE}
        samples.append(
            Sample(
                id=f"action-{page}",
                task="action_recognition",
                question=f"On page {page}, what goes on?",
                choices=("a run", "a fall", "a meal", "a dance"),
                answer="B",
                regions=(Region(box=box, role="panel", target=True), Region(box=other, role="panel")),
                **common,
            )
        )
        if composite and page == 0:
            slots = (box, other)
            samples.append(
                Sample(
                    id="order-0",
                    task="panel_reordering",
                    question=f"On page {page}, which panel belongs into slot 1?",
                    choices=("the first", "the second"),
                    answer="B",
                    composite=Composite(slots=slots, candidates=(other, box)),
                    **common,
                )
            )
    return write_benchmark(
        folder,
        name="zoom-pages",
        version="1.0",
        license="CC0-1.0",
        description="Coloured pages with panels to find.",
        samples=samples,
        images=images,
        card="# zoom-pages\n",
    )


def page_of(seen: RecordedRequest) -> int:
    """The page that a request asks about."""
    found = re.search(r"On page (\d+)", seen.text)
    assert found, seen.text
    return int(found.group(1))


def turns_of(seen: RecordedRequest) -> int:
    """How many tool turns a request looks back on."""
    results = len({part for part in seen.outline if part.startswith("result:")})
    return results or seen.text.count("<tool_response>")


def call_text(box: Any, **more: Any) -> str:
    """A call in tags."""
    body = json.dumps({"name": NAME, "arguments": {"bbox_2d": box, **more}})
    return f"<think>Where is it?</think>\n<tool_call>\n{body}\n</tool_call>"


def zoomer(
    *,
    coords: CoordSpec | None = None,
    native: bool = True,
    calls: int = 1,
    answer: Callable[[RecordedRequest], str | Reply] | str = RIGHT,
    sent_size: tuple[int, int] = SIZE,
    **server: Any,
) -> MockOpenAI:
    """A server that takes the target as its crop ``calls`` times, then answers."""
    spec = coords or CoordSpec()

    def reply(seen: RecordedRequest) -> str | Reply:
        turn = turns_of(seen)
        if turn >= calls:
            return answer(seen) if callable(answer) else answer
        box = list(spec.write(target(page_of(seen)), WHOLE, sent_size))
        if not native:
            return call_text(box, label="panel")
        arguments = json.dumps({"bbox_2d": box, "label": "panel"})
        return Reply("Let me look.", tool_calls=((f"t{turn}", NAME, arguments),))

    return MockOpenAI(reply, **server)
