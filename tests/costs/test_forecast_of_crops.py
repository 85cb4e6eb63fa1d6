"""The upper bound of an episode's cost counts crops as large as the model's family may be sent them."""

from __future__ import annotations

from comic_eval.costs.forecast import Ask, forecast
from comic_eval.costs.image_tokens import resolve
from comic_eval.run.spec import Prices
from comic_eval.zoom.coords import family_of
from comic_eval.zoom.settings import ZoomSettings


def test_crops_are_bounded_by_the_familys_own_pixels() -> None:
    model = "openai:Qwen/Qwen3-VL-8B-Instruct"
    settings = ZoomSettings(max_turns=2, crop_budget=4096)

    def bound(zoom: ZoomSettings) -> float:
        found = forecast(
            [Ask(text="Who?", sizes=())],
            resolve(model, {}),
            Prices(input=1e6, output=0),
            max_tokens=0,
            zoom=zoom,
            pixels_per_token=family_of(model).pixels_per_token,
        )
        assert found.cost_high is not None
        return found.cost_high

    # At a dollar a token: only the second turn sends the crop.
    without = bound(settings.model_copy(update={"max_images": 0}))
    assert bound(settings) - without >= 0.99 * 4096
