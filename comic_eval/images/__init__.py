"""Pictures as models see them: pages with marks or composites, resized to a budget, encoded and cached."""

from comic_eval.images.budget import ResizeRule, plain_resize, resize_rule_for, smart_resize
from comic_eval.images.renderer import Renderer, Shown
from comic_eval.images.views import VIEWS

__all__ = ["VIEWS", "Renderer", "ResizeRule", "Shown", "plain_resize", "resize_rule_for", "smart_resize"]
