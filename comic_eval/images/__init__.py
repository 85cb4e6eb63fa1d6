"""Pictures as models see them: pages with marks or composites, resized to a budget, encoded and cached."""

from comic_eval.images.budget import ResizeRule, plain_resize, resize_rule_for, smart_resize
from comic_eval.images.renderer import Renderer, Shown
from comic_eval.images.views import VIEWS, NotApplicableError, needs_regions, why_not

__all__ = [
    "VIEWS",
    "NotApplicableError",
    "Renderer",
    "ResizeRule",
    "Shown",
    "needs_regions",
    "plain_resize",
    "resize_rule_for",
    "smart_resize",
    "why_not",
]
