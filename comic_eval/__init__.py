"""comic-eval: evaluation of vision-language models on fine-grained comic understanding."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comic_eval.experiments.ablate import AblateResult, ablate, ablate_async
    from comic_eval.run.evaluate import RunResult, evaluate, evaluate_async

__version__ = "0.1.0"
__all__ = ["AblateResult", "RunResult", "__version__", "ablate", "ablate_async", "evaluate", "evaluate_async"]

_HOMES = {
    "comic_eval.experiments.ablate": ("AblateResult", "ablate", "ablate_async"),
    "comic_eval.run.evaluate": ("RunResult", "evaluate", "evaluate_async"),
}


def __getattr__(name: str) -> Any:
    # Loaded when first used, so that `import comic_eval` and the command line stay light.
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
