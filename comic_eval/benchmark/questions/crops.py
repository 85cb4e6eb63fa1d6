"""Cuts panels out of pages, as the model that writes questions sees them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from comic_eval.benchmark.annotations import Page, Panel
from comic_eval.images.budget import plain_resize
from comic_eval.images.encode import encode
from comic_eval.images.source import decode, read_bytes
from comic_eval.images.store import MemoryCache
from comic_eval.types import EncodedImage
from comic_eval.zoom.crop import CropRules
from comic_eval.zoom.pixels import cut_out

# Panels of one page come together, so few decoded pages are enough however many panels are in work.
DECODED_PAGES = 4


class PanelCrops:
    """Crops of panels; safe to share between threads.

    Args:
        rules: padding and minimum size of every crop.
        budget: visual tokens a crop may cost; at most ``budget * 784`` pixels are sent.
    """

    def __init__(self, rules: CropRules, budget: int) -> None:
        self._rules = rules
        self._budget = budget
        self._pages: MemoryCache[Path, Image.Image] = MemoryCache(DECODED_PAGES, lambda page: 1)

    def crop(self, page: Page, panel: Panel) -> EncodedImage:
        """The panel, encoded. Blocks, so call it from a worker thread.

        Raises:
            BenchmarkError: the page's picture cannot be read.
        """
        picture = self._pages.get(page.image, lambda: decode(read_bytes(page.image), page.image))
        box = self._rules.execute(panel.box, picture.size)
        cut = cut_out(picture, box)
        return encode(cut, plain_resize(*cut.size, self._budget))
