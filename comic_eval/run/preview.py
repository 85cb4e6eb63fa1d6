"""What a run would ask, before anything is sent or written."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from comic_eval.costs.forecast import Ask, Forecast, forecast
from comic_eval.costs.image_tokens import resolve
from comic_eval.costs.prices import PriceTable, find_prices
from comic_eval.images.budget import ResizeRule
from comic_eval.images.composite import canvas_size
from comic_eval.images.views import Picture, get_view
from comic_eval.run.folder import JOURNAL, read_outcomes, run_folder
from comic_eval.run.prepare import Prepared
from comic_eval.run.spec import Prices
from comic_eval.types import Frozen
from comic_eval.zoom.crop import CropRules
from comic_eval.zoom.tool import tool_spec


class Preview(Frozen):
    """The size of a run.

    Attributes:
        answered: samples that earlier starts under this name got an answer to.
        requests: what is left to ask.
        images: pictures that those requests send; ``distinct_images`` of them differ.
        pixels: of all pictures sent; pictures whose size the benchmark does not state are left out.
        pixels_per_token: of the model's family, by which budgets are counted; 784 where it is unknown.
        image_tokens: pixels by that; providers count by rules of their own.
        prompt_characters: of all prompts.
        left_out: task -> reason -> number of chosen samples that have no such view.
        forecast: tokens by the provider's own rule, and dollars.
    """

    name: str
    spec_digest: str
    tasks: dict[str, int]
    samples: int
    answered: int
    requests: int
    images: int
    distinct_images: int
    pixels: int
    pixels_per_token: int
    image_tokens: int
    prompt_characters: int
    left_out: dict[str, dict[str, int]] = Field(default_factory=dict)
    forecast: Forecast


def preview(
    prepared: Prepared, runs_dir: Path, *, prices: Prices | PriceTable | None = None, batch: bool = False
) -> Preview:
    """Sizes up a run. Reads the journal of an earlier start, if there is one; writes and sends nothing.

    Args:
        prices: the user's prices, or a table of them; by default those that are known of the model.
        batch: whether requests go through the batch API.
    """
    folder = run_folder(runs_dir, prepared.name)
    answered = set()
    if (folder / JOURNAL).is_file():
        outcomes = read_outcomes(folder, prepared.spec.short_digest, {i.key: i.sample.answer for i in prepared.items})
        answered = {key for key, outcome in outcomes.items() if outcome.status != "failed"}
    pending = [item for item in prepared.items if item.key not in answered]
    info = prepared.adapter.info
    crop = prepared.spec.crop or CropRules()
    pictures: list[Picture] = []
    asks: list[Ask] = []
    for item in pending:
        view = get_view(item.view)(item.sample)
        shown = view.pictures if info.needs_images else ()
        pictures += shown
        sizes = (size_of(picture, prepared.spec.budget, crop, prepared.frames.resize) for picture in shown)
        prompt = prepared.tasks[item.sample.task].prompt(item.sample, shown=view.shown)
        asks.append(Ask(text=prompt, sizes=tuple(size for size in sizes if size is not None)))
    pixels = sum(width * height for ask in asks for width, height in ask.sizes)
    zooming = prepared.zooming
    per_token = prepared.frames.family.pixels_per_token
    return Preview(
        name=prepared.name,
        spec_digest=prepared.spec.digest,
        tasks={name: sum(i.sample.task == name for i in prepared.items) for name in prepared.tasks},
        samples=len(prepared.items),
        answered=len(answered),
        requests=len(pending),
        images=len(pictures),
        distinct_images=len(set(pictures)),
        pixels=pixels,
        pixels_per_token=per_token,
        image_tokens=pixels // per_token,
        prompt_characters=sum(len(ask.text) for ask in asks),
        left_out=prepared.left_out,
        forecast=forecast(
            asks,
            resolve(info.id, info.settings),
            prices if isinstance(prices, Prices) else find_prices(info, prices),
            max_tokens=prepared.spec.params.max_tokens,
            system=prepared.spec.system,
            zoom=zooming.settings if zooming else None,
            tool=tool_spec(zooming.coords) if zooming else None,
            pixels_per_token=per_token,
            batch=batch,
        ),
    )


def size_of(picture: Picture, budget: int, crop: CropRules, resize: ResizeRule) -> tuple[int, int] | None:
    """Width and height of a picture as it would be sent; None where the benchmark does not state the page's size.

    Crops may come out a little larger, since they grow to hold their marks, whose places depend on the drawing.
    """
    if picture.image_size is None:
        return None
    if picture.cut is not None:
        return crop.sent_size(crop.execute(picture.cut.box, picture.image_size), resize, budget)
    return resize(*canvas_size(picture.image_size, picture.composite), budget)
