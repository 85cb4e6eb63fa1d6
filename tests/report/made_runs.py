"""Runs to look at: a drawn benchmark, a model that writes what it is told to, and zoom episodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
from PIL import Image, ImageDraw
from support.runs import Answer, FixedJudge, TableModel

import comic_eval
from comic_eval.benchmark import Benchmark, write_benchmark
from comic_eval.errors import RequestError
from comic_eval.images.budget import plain_resize
from comic_eval.types import Box, Composite, Generation, Mark, Region, Sample, Usage
from comic_eval.zoom.coords import CoordSpec
from comic_eval.zoom.environment import ZoomEnvironment
from comic_eval.zoom.settings import ZoomSettings
from comic_eval.zoom.tool import NAME
from comic_eval.zoom.trace import Trace, Turn

SIZE = (600, 800)
RED, BLUE, GREEN = (200, 20, 20), (20, 20, 200), (20, 150, 20)
PANELS = {
    RED: Box(x1=60, y1=80, x2=300, y2=300),
    BLUE: Box(x1=330, y1=80, x2=570, y2=300),
    GREEN: Box(x1=60, y1=450, x2=560, y2=760),
}
# Pages are sent smaller than they are, so that a box in the wrong frame would show.
BUDGET = 300
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    '</script></div><a href="javascript:alert(1)">link</a> &lt;b&gt; <!-- --> ]]> `${1}` '
    "a\u202eb\u2066c\u200bd\u0000e\x1b[31mf\U000e0041g"
)


def draw(path: Path) -> None:
    """A white page with a red, a blue and a green panel."""
    page = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(page)
    for colour, box in PANELS.items():
        pen.rectangle((box.x1, box.y1, box.x2 - 1, box.y2 - 1), fill=colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path)


def samples(language: str = "en", **more: Any) -> list[Sample]:
    """Four samples of four tasks on one page."""
    common: dict[str, Any] = {
        "split": "test",
        "page": "p1",
        "image": f"images/{language}.png",
        "image_size": SIZE,
        "language": language,
        "source": "https://example.org/pages",
        "license": "CC0-1.0",
    } | more
    panel = {colour: Region(box=box, role="panel", label=f"p{i}") for i, (colour, box) in enumerate(PANELS.items())}
    target = panel[RED].model_copy(update={"target": True})
    question = {"en": "What does she do?", "fr": "Que fait-elle ? Déjà vu."}[language]
    return [
        Sample(
            id=f"pu-{language}",
            task="panel_understanding",
            question=question,
            position="the first panel" if language == "en" else "la première case",
            answer="She sleeps.",
            facts=("she / the girl", "sleeps"),
            regions=(target, panel[GREEN]),
            **common,
        ),
        Sample(
            id=f"ar-{language}",
            task="action_recognition",
            question="Which action fits the character marked A?",
            choices=("runs", "sits", "sleeps", "eats"),
            answer="C",
            marks=(Mark(box=Box(x1=360, y1=120, x2=440, y2=260), label="A"),),
            regions=(panel[BLUE].model_copy(update={"target": True}), panel[GREEN]),
            **common,
        ),
        Sample(
            id=f"pr-{language}",
            task="panel_reordering",
            question="Which panel comes first?",
            choices=("A", "B"),
            answer="A",
            composite=Composite(slots=(PANELS[RED], PANELS[BLUE]), candidates=(PANELS[RED], PANELS[BLUE])),
            regions=(panel[GREEN],),
            **common,
        ),
        Sample(
            id=f"cc-{language}",
            task="character_counting",
            question="In how many panels does she appear?",
            answer="2",
            regions=(target, panel[BLUE].model_copy(update={"target": True})),
            **common,
        ),
    ]


def make_benchmark(folder: Path, made: list[Sample] | None = None) -> Benchmark:
    """Writes a benchmark of the page, in the languages of its samples."""
    made = samples() if made is None else made
    drawn = folder.parent / f"{folder.name}-drawn"
    images = {s.image: drawn / s.image for s in made}
    for path in images.values():
        draw(path)
    return write_benchmark(
        folder,
        name="drawn",
        version="1.0",
        license="CC0-1.0",
        description="One page.",
        samples=made,
        images=images,
        metadata={"attribution": {"images/en.png": "Drawn by a test, CC0."}},
        card="# drawn\n",
    )


ANSWERS: dict[str, Answer] = {
    "pu-en": Generation(
        text="<answer>She sleeps.</answer>",
        reasoning="First the panel, then the girl.",
        finish_reason="stop",
        usage=Usage(input_tokens=321, output_tokens=45),
        latency_s=1.5,
    ),
    "ar-en": "I think she sits.\n<answer>B</answer>",
    "pr-en": RequestError("the server said no", cause="http_400", status=400),
    "cc-en": "I cannot tell.",
}


def make_run(folder: Path, answers: Mapping[str, Answer] | None = None, **settings: Any) -> Path:
    """Runs a model that answers from a table and returns the run's folder. One sample each is right, wrong, ..."""
    benchmark = settings.pop("benchmark", None)
    if benchmark is None:
        benchmark = make_benchmark(folder / "drawn").folder
    model = settings.pop("model", None) or TableModel(ANSWERS if answers is None else answers, otherwise=lambda r: "?")
    chosen: dict[str, Any] = {"name": "run", "budget": BUDGET, "judge": FixedJudge()} | settings
    return comic_eval.evaluate(model=model, benchmark=benchmark, runs_dir=folder / "runs", **chosen).folder


def edit_journal(run: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Changes every line of a journal."""
    path = run / "journal.jsonl"
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    for line in lines:
        edit(line)
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))


def add_trace(run: Path, sample_id: str, trace: Trace) -> None:
    """Gives a record the episode that its answer came from."""

    def edit(line: dict[str, Any]) -> None:
        if line["sample_id"] == sample_id:
            line["trace"] = trace.model_dump(mode="json")

    edit_journal(run, edit)


def episode(label: str = "the first panel", text: str = "Let me look closer.") -> Trace:
    """An episode on the drawn page: a crop beyond the red panel, a crop of that crop, a refused call, an answer."""
    page = Image.new("RGB", SIZE, "white")
    coords = CoordSpec()
    sent = plain_resize(*SIZE, BUDGET)
    environment = ZoomEnvironment(
        page, coords=coords, resize=plain_resize, sent_size=sent, settings=ZoomSettings(crop_budget=64)
    )

    def call(box: list[float], turn: int, **more: Any) -> None:
        environment.zoom(NAME, json.dumps({"bbox_2d": box, "label": label, **more}), turn=turn)

    call([50, 50, 550, 400], 0)  # page pixels [30, 40, 330, 320]
    call([500, 500, 1000, 1000], 1, img_idx=1)  # the lower right quarter of that crop
    call([900, 900, 100, 100], 1)
    return Trace(
        page_size=SIZE,
        sent_size=sent,
        targets=(PANELS[RED],),
        turns=(
            Turn(text=text, reasoning="It must be the first panel.", finish_reason="tool_calls"),
            Turn(text="<think>Closer still.</think>And again. <answer>A</answer>", answered_early=True),
            Turn(text="<answer>She sleeps.</answer>", finish_reason="stop"),
        ),
        calls=tuple(environment.calls),
    )
