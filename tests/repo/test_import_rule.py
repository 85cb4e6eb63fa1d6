"""The one import rule: plugin folders import the core absolutely, their own siblings relatively, and never each other.

The core finds plugins through `comic_eval.plugins` and never imports one statically. Without the rule a module such as
``tasks.depth_comparison`` could exist twice, once below ``comic_eval`` and once at the top, with two identities.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from repo.tree import PLUGIN_FOLDERS, ROOT, python_files

# ``train`` is one more such folder; it takes part as soon as it holds a module.
FOLDERS = (*PLUGIN_FOLDERS, "train")


def breaches(source: str, folder: str) -> list[str]:
    """The imports in ``source``, a module of the top-level ``folder``, that break the rule."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            # In a flat plugin folder one dot is a sibling; two dots leave the folder.
            if folder in FOLDERS and node.level > 1:
                found.append(f"line {node.lineno}: {'.' * node.level}{node.module or ''}")
            continue
        if isinstance(node, ast.ImportFrom):
            # ``from comic_eval import tasks`` names the package only together with the imported name.
            modules = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        found += [f"line {node.lineno}: {m}" for m in modules if plugin_folder(m)]
    return sorted(set(found))


def plugin_folder(module: str) -> bool:
    parts = module.split(".")
    first = parts[1] if parts[0] == "comic_eval" and len(parts) > 1 else parts[0]
    return first in FOLDERS


@pytest.mark.parametrize("path", python_files("comic_eval", "tests", "benchmarks", *FOLDERS), ids=lambda p: p.name)
def test_imports_follow_the_rule(path: Path) -> None:
    assert breaches(path.read_text(encoding="utf-8"), path.relative_to(ROOT).parts[0]) == []


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("tasks", "from comic_eval.judges import reference"),
        ("tasks", "from comic_eval.tasks.depth_comparison import TASK"),
        ("judges", "import model_adapters.openai"),
        ("judges", "from ..tasks import depth_comparison"),
        ("comic_eval", "from comic_eval import tasks"),
        ("comic_eval", "import comic_eval.model_adapters.openai as adapter"),
        ("tests", "from tasks import depth_comparison"),
    ],
)
def test_each_kind_of_breach_is_seen(folder: str, line: str) -> None:
    assert breaches(line, folder)


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("tasks", "from comic_eval.types import Sample"),
        ("tasks", "from ._choice import ChoiceTask"),
        ("comic_eval", "from comic_eval.plugins import get_task"),
        ("comic_eval", "import taskset"),
    ],
)
def test_what_the_rule_allows_passes(folder: str, line: str) -> None:
    assert breaches(line, folder) == []
