"""pyproject.toml lists the packages by hand; a forgotten one would vanish from the wheel in silence."""

from __future__ import annotations

import importlib
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from repo.tree import PLUGIN_FOLDERS, ROOT, tracked_files

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LISTED: list[str] = PYPROJECT["tool"]["setuptools"]["packages"]
MAPPED: dict[str, str] = PYPROJECT["tool"]["setuptools"]["package-dir"]


def test_every_package_on_disk_is_listed_and_the_other_way_round() -> None:
    on_disk = set()
    for path in tracked_files():
        parts = path.relative_to(ROOT).parent.parts
        if path.name != "__init__.py" or not parts:
            continue
        if parts[0] == "comic_eval":
            on_disk.add(".".join(parts))
        elif parts[0] in PLUGIN_FOLDERS:
            on_disk.add(".".join(("comic_eval", *parts)))
    assert sorted(on_disk) == sorted(LISTED)


def test_every_folder_with_modules_is_a_package() -> None:
    """A folder without ``__init__.py`` works in a checkout and is missing from the wheel."""
    homes = {p.parent for p in tracked_files() if p.suffix == ".py"}
    shipped = [h for h in homes if h.relative_to(ROOT).parts[:1] in {("comic_eval",), *((f,) for f in PLUGIN_FOLDERS)}]
    assert [str(h) for h in shipped if not (h / "__init__.py").is_file()] == []


@pytest.mark.parametrize("name", LISTED)
def test_listed_packages_import_from_where_they_are_mapped(name: str) -> None:
    module = importlib.import_module(name)
    folder = MAPPED.get(name, name.replace(".", "/"))
    assert module.__file__ is not None
    assert module.__file__ == str(ROOT / folder / "__init__.py")


def test_nothing_at_the_top_level_but_what_belongs_there() -> None:
    allowed = {
        "comic_eval",
        "model_adapters",
        "tasks",
        "judges",
        "results",
        "tests",
        "train",
        "benchmarks",
        "docs",
        ".ci",
    }
    folders = {p.relative_to(ROOT).parts[0] for p in tracked_files() if len(p.relative_to(ROOT).parts) > 1}
    assert folders <= allowed


def installed_by_make() -> list[Requirement]:
    """The direct requirements of the environment of `make test`: our own, and those of the extras in ``dev``."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    found, waiting = [], [Requirement(r) for r in (*PYPROJECT["project"]["dependencies"], *extras["dev"])]
    while waiting:
        wanted = waiting.pop()
        if wanted.name == PYPROJECT["project"]["name"]:
            waiting += [Requirement(r) for extra in wanted.extras for r in extras[extra]]
        else:
            found.append(wanted)
    return found


def test_constraints_satisfy_the_lower_bounds() -> None:
    """`make` installs the pinned versions, so a pin below the bound would make it fail."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {r.name.lower(): r.specifier for r in (Requirement(x) for x in lines if x and not x.startswith("#"))}
    for wanted in installed_by_make():
        assert wanted.name.lower() in pins, f"{wanted.name} has no tested version in constraints.txt"
        (pin,) = pins[wanted.name.lower()]
        assert pin.operator == "=="
        assert wanted.specifier.contains(pin.version), f"{wanted}: {pin} is too old"
