"""`comic-eval --help` answers at once: heavy packages are imported by the command that needs them."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {
    "aiohttp",
    "asyncio",
    "datasets",
    "matplotlib",
    "numpy",
    "openai",
    "pandas",
    "PIL",
    "pydantic",
    "rich",
    "torch",
    "yaml",
}

SCRIPT = """
import json, sys
from comic_eval.cli import main
try:
    main(sys.argv[1:])
finally:
    print("modules:" + json.dumps(sorted(sys.modules)))
"""


def modules_after(*arguments: str) -> set[str]:
    ran = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    listing = ran.stdout.rsplit("modules:", 1)[1]
    return {name.split(".")[0] for name in json.loads(listing)}


def test_help_imports_nothing_heavy() -> None:
    assert modules_after("--help") & HEAVY == set()


def test_version_imports_nothing_heavy() -> None:
    assert modules_after("--version") & HEAVY == set()


def test_importing_the_package_imports_nothing_heavy() -> None:
    script = "import sys, json, comic_eval; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in json.loads(ran.stdout)} & HEAVY == set()
