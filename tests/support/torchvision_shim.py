"""Makes torchvision importable beside a torch without CUDA.

The wheel of torchvision on PyPI is built against CUDA; beside a CPU build of torch its compiled operators do not load,
and its Python part fails at import because it registers more about them ("operator torchvision::nms does not exist").
Declaring them first is enough: nothing here ever calls them. Users install a matching pair and need none of this.
"""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_OPERATORS = ("nms", "qnms")
# A library that is collected takes its declarations along.
_declared: list[Any] = []


class _BeforeTorchvision(importlib.abc.MetaPathFinder):
    """Finds nothing; it only learns that torchvision is about to be imported, so that torch is not before."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            _declare()
        return None


def _declare() -> None:
    import torch

    if torch.version.cuda is not None:
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in _OPERATORS:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)


def install() -> None:
    """Watches for the import of torchvision; costs nothing where there is none."""
    if "torchvision" not in sys.modules:
        sys.meta_path.insert(0, _BeforeTorchvision())
