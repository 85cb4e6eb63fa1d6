"""Which code reads and scores answers: a journal holds scores, and scores of two versions do not belong together."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

from comic_eval import answers, plugins, task_kinds
from comic_eval.contracts import Task
from comic_eval.errors import PluginError


def scoring_digest(tasks: Mapping[str, Task]) -> str:
    """sha256 over the sources of everything that reads and scores the answers of these tasks.

    That is `comic_eval.answers`, `comic_eval.task_kinds`, and of each task its plugin's module and those of its
    classes; of the judge, the run's specification has the id. A module without a source file counts by its name.
    """
    files = {f"answers/{path.name}": path.read_bytes() for path in _sources_of_answers()}
    for module in {module.__name__: module for module in (task_kinds, *_modules(tasks))}.values():
        file = Path(module.__file__ or "")
        files[module.__name__] = file.read_bytes() if file.suffix == ".py" and file.is_file() else b""
    digest = hashlib.sha256()
    for name, source in sorted(files.items()):
        digest.update(f"{name}\n{len(source)}\n".encode() + source)
    return digest.hexdigest()


def _sources_of_answers() -> list[Path]:
    return sorted(Path(answers.__path__[0]).glob("*.py"))


def _modules(tasks: Mapping[str, Task]) -> Iterable[ModuleType]:
    for name, task in tasks.items():
        try:
            plugin = plugins.load("tasks", name)
        except PluginError:  # handed over as an object
            plugin = None
        if isinstance(plugin, ModuleType):
            yield plugin
        for kind in type(task).__mro__:
            module = sys.modules.get(kind.__module__)
            if module is not None and kind.__module__ not in sys.stdlib_module_names:
                yield module
