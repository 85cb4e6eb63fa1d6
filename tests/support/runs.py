"""What tests of the run need: a benchmark of many pages, and a model that answers from a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from comic_eval.benchmark import Benchmark, write_benchmark
from comic_eval.contracts import AdapterInfo, RunContext
from comic_eval.types import Box, Generation, Mark, Request, Sample, Score, Usage

SIZE = (120, 160)
# Pages beyond these share pictures, and with them requests.
PICTURES = 20


def choice_samples(pages: int, *, split: str = "test", language: str = "en") -> list[Sample]:
    """Two samples a page: an action (right answer C of four) and a count (right answer 2)."""
    samples = []
    for page in range(pages):
        common: dict[str, Any] = {
            "split": split,
            "page": f"{split}{page:04}",
            "image": f"images/{page % PICTURES}.png",
            "image_size": SIZE,
            "language": language,
            "marks": (Mark(box=Box(x1=20, y1=20, x2=60, y2=100), label="A"),),
        }
        name = f"{split}{page:04}"
        samples += [
            Sample(
                id=f"{name}-action-{language}",
                pair_id=f"{name}-action",
                task="action_recognition",
                question=f"What does character A do on page {page}?",
                choices=("runs", "sits", "sleeps", "eats"),
                answer="C",
                **common,
            ),
            Sample(
                id=f"{name}-count-{language}",
                pair_id=f"{name}-count",
                task="character_counting",
                question=f"In how many panels of page {page} does character A appear?",
                answer="2",
                **common,
            ),
        ]
    return samples


def make_pages(folder: Path, pages: int = 5, *, train: int = 2, name: str = "pages") -> Benchmark:
    """Writes a benchmark of ``pages`` test and ``train`` train pages."""
    images = {}
    drawn = folder.parent / f"{folder.name}-drawn"
    drawn.mkdir(parents=True)
    for i in range(min(PICTURES, max(pages, train))):
        Image.new("RGB", SIZE, (12 * i, 200, 120)).save(drawn / f"{i}.png")
        images[f"images/{i}.png"] = drawn / f"{i}.png"
    return write_benchmark(
        folder,
        name=name,
        version="1.0",
        license="CC0-1.0",
        description="Coloured pages.",
        samples=[*choice_samples(pages), *choice_samples(train, split="train")],
        images=images,
        card=f"# {name}\n",
    )


Answer = str | Exception | Generation
RIGHT = {"action_recognition": "<answer>C</answer>", "character_counting": "<answer>2</answer>"}


class TableModel:
    """Answers each sample from a table, or with the right answer, and remembers what it was asked.

    Args:
        answers: sample id -> text, generation, or exception to raise.
        otherwise: for samples that are not in the table.
    """

    def __init__(
        self,
        answers: Mapping[str, Answer] | None = None,
        *,
        otherwise: Callable[[Request], Answer] = lambda request: RIGHT[request.question.task],
        deterministic: bool = True,
        name: str = "table",
        **info: Any,
    ) -> None:
        self.answers = dict(answers or {})
        self.otherwise = otherwise
        self.requests: list[Request] = []
        self.started = self.closed = 0
        self._info = AdapterInfo(id=f"test:{name}", deterministic=deterministic, **info)

    @property
    def info(self) -> AdapterInfo:
        return self._info

    @property
    def asked(self) -> list[str]:
        return [request.question.id for request in self.requests]

    async def start(self, context: RunContext) -> None:
        self.started += 1

    async def generate(self, request: Request) -> Generation:
        self.requests.append(request)
        answer = self.answers.get(request.question.id)
        if answer is None:
            answer = self.otherwise(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Generation):
            return answer
        usage = Usage(input_tokens=100, output_tokens=5)
        return Generation(text=answer, finish_reason="stop", usage=usage, latency_s=0.25)

    async def close(self) -> None:
        self.closed += 1


class FixedJudge:
    """Gives every answer one verdict."""

    comparable = True

    def __init__(self, verdict: float | Exception | None = 1.0) -> None:
        self.verdict = verdict

    @property
    def id(self) -> str:
        return "fixed-1"

    async def grade(self, answer: str, sample: Sample) -> Score:
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return Score(value=self.verdict, reason=None if self.verdict is not None else "no_verdict")
