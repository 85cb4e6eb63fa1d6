"""comic-eval: evaluation of vision-language models on fine-grained comic understanding."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comic_eval.run.evaluate import RunResult, evaluate, evaluate_async

__version__ = "0.1.0"
__all__ = ["RunResult", "__version__", "evaluate", "evaluate_async"]


def __getattr__(name: str) -> Any:
    # Loaded when first used, so that `import comic_eval` and the command line stay light.
    if name in __all__:
        from comic_eval.run import evaluate as module

        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
