"""Which samples a run asks, in which order, and with which words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from comic_eval.contracts import Task
from comic_eval.images.views import get_view
from comic_eval.run.files import digest
from comic_eval.run.record import Key
from comic_eval.types import Conversation, EncodedImage, ImagePart, Message, Sample, SamplingParams, TextPart

# In place of a view: the crops that another model took of the page.
CROPS = "crops-of-another-model"


class Item(NamedTuple):
    """One sample to ask under one view and budget; ``repeat`` counts several answers to one question."""

    sample: Sample
    view: str
    budget: int
    repeat: int = 0

    @property
    def key(self) -> Key:
        return Key(self.sample.id, self.view, self.budget, self.repeat)


def choose(samples: Sequence[Sample], limit: int | None) -> list[Sample]:
    """At most ``limit`` samples, spread evenly over the tasks and, by a hash of the id, over the pages.

    The choice depends on nothing but the ids: every model gets the same samples, the two languages get the same pairs,
    and a smaller limit's samples are among a larger one's. Where a task has too few, the others fill up.
    """
    if limit is None or limit >= len(samples):
        return list(samples)
    by_task: dict[str, list[Sample]] = {}
    for sample in samples:
        by_task.setdefault(sample.task, []).append(sample)
    ranked = [
        (rank, number, sample)
        for number, group in enumerate(by_task.values())
        for rank, sample in enumerate(sorted(group, key=_shuffled))
    ]
    ranked.sort(key=lambda entry: entry[:2])
    return [sample for _, _, sample in ranked[:limit]]


def _shuffled(sample: Sample) -> tuple[str, str]:
    return hashlib.sha256((sample.pair_id or sample.id).encode()).hexdigest(), sample.id


def in_page_order(samples: Sequence[Sample]) -> list[Sample]:
    """Questions of one page together, and among them those that are shown the same image, so that prefix caches pay."""
    pages = {page: number for number, page in enumerate(dict.fromkeys(s.page for s in samples))}
    return sorted(samples, key=lambda s: (pages[s.page], s.image, s.composite is not None, bool(s.marks), s.id))


def make_plan(samples: Sequence[Sample], *, view: str, budget: int, limit: int | None) -> list[Item]:
    """The items of a run, in the order in which they are asked."""
    return [Item(s, view, budget) for s in in_page_order(choose(samples, limit))]


def with_repeats(items: Sequence[Item], repeats: int) -> list[Item]:
    """Every item as often as it is to be asked, the repeats side by side, so that prefix caches pay."""
    return [item._replace(repeat=number) for item in items for number in range(repeats)]


def conversation(images: Sequence[EncodedImage], prompt: str, system: str | None = None) -> Conversation:
    """The system prompt, if any, and one user message: images first, then the text, so that prefixes are common."""
    parts = (*(ImagePart(image=i) for i in images), TextPart(text=prompt))
    user = Message(role="user", content=parts)
    if system is None:
        return Conversation(messages=(user,))
    return Conversation(messages=(Message(role="system", content=(TextPart(text=system),)), user))


def params_of(params: SamplingParams, repeat: int) -> SamplingParams:
    """The decoding settings of one repeat: a seed counts on, or all repeats would be the same answer."""
    if repeat == 0 or params.seed is None:
        return params
    return params.model_copy(update={"seed": params.seed + repeat})


def sample_ids_hash(items: Sequence[Item]) -> str:
    """sha256 over the keys of a plan, sorted: two runs with one value asked the same samples."""
    return digest(sorted(list(item.key) for item in items))


def prompt_of(item: Item, tasks: Mapping[str, Task]) -> str:
    """The text of an item's question, in the words that its view calls for."""
    shown = "crop" if item.view == CROPS else get_view(item.view)(item.sample).shown
    return tasks[item.sample.task].prompt(item.sample, shown=shown)


def prompts_hash(items: Sequence[Item], tasks: Mapping[str, Task]) -> str:
    """sha256 over every sample's id and prompt: changes with any word of any prompt."""
    found = hashlib.sha256()
    # One by one, since the prompts of a large benchmark together would take more memory than its questions.
    for item in sorted(items, key=lambda item: item.key):
        found.update(digest([item.sample.id, prompt_of(item, tasks)]).encode())
    return found.hexdigest()
