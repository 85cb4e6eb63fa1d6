"""README.md is executed: its commands and scripts run, in its order, in one folder, against a real loopback server.

The two `make` commands stand apart: continuous integration runs them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repo.tree import ROOT, tracked_files
from support.mock_openai import MockOpenAI

from comic_eval.benchmark import bundled, load_benchmark

README = (ROOT / "README.md").read_text(encoding="utf-8")
LONGEST_EXAMPLE = 40
PEPPER = ROOT / "comic_eval" / "data" / "pepper-carrot"
SERVER = "http://localhost:8000/v1"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line it begins at, and the file that the comment above names."""

    language: str
    text: str
    line: int
    file: str | None


def blocks() -> Iterator[Block]:
    shape = re.compile(r"(?:<!-- file: (\S+) -->\n)?```(\w+)\n(.*?)```\n", re.DOTALL)
    for match in shape.finditer(README):
        file, language, text = match.groups()
        yield Block(language, text, README[: match.start()].count("\n") + 1, file)


BLOCKS = list(blocks())


def run(command: list[str], folder: Path, environment: dict[str, str], what: str) -> str:
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert ran.returncode == 0, f"{what} ended with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def run_everything(folder: Path) -> tuple[MockOpenAI, dict[int, str]]:
    """Runs all of README in ``folder``; gives the server that was asked, and what the block of each line printed."""
    (folder / "scans").mkdir()
    drawn = sorted((PEPPER / "images" / "en").iterdir())
    for name, picture in zip(("page-1.jpg", "page-2.jpg"), drawn, strict=False):
        shutil.copy(picture, folder / "scans" / name)

    # A package of somebody's own, as pip would install it: modules and their entry points.
    site = folder / "site"
    info = site / "readme_examples-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: readme-examples\nVersion: 0\n", encoding="utf-8")
    declared = next(b for b in BLOCKS if b.file == "entry_points.toml")
    groups = tomllib.loads(declared.text)["project"]["entry-points"]
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()) for group, points in groups.items()]
    for block in BLOCKS:
        if block.file:
            (folder if block.file == "my_benchmark.py" else site).joinpath(block.file).write_text(block.text, "utf-8")
    lines.append("[comic_eval.tasks]\npanel_counting = panel_counting\n")
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")

    printed: dict[int, str] = {}
    with MockOpenAI(reply="The answer is <answer>A</answer>", extra=["top_k"]) as server:
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")} | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(site),
            "OPENAI_BASE_URL": server.base_url,
        }
        for block in BLOCKS:
            text = block.text.replace(SERVER, server.base_url)
            if block.file:
                continue
            if block.language == "python":
                printed[block.line] = run([sys.executable, "-c", text], folder, environment, f"line {block.line}")
            elif block.language == "bash" and not re.search(r"^(make|pip) ", text, re.MULTILINE):
                script = ["bash", "-euo", "pipefail", "-c", text]
                printed[block.line] = run(script, folder, environment, f"line {block.line}")
    return server, printed


def test_every_block_runs(tmp_path: Path) -> None:
    server, printed = run_everything(tmp_path)
    assert len(printed) >= 6
    assert all(printed.values())
    for name in ("first-look", "qwen-7b", "dark", "panels"):
        assert (tmp_path / "runs" / name / "summary.json").is_file()
    assert {r.outcome for r in server.requests} == {"answered"}
    # The dry run sent nothing, and the limit held.
    assert len([r for r in server.requests if r.params["model"] == "gpt-5-mini"]) == 70


def test_examples_are_short() -> None:
    examples = [b for b in BLOCKS if b.file and b.language == "python"]
    assert {b.file for b in examples} == {"brightness.py", "panel_counting.py", "my_benchmark.py"}
    for block in examples:
        assert block.text.count("\n") < LONGEST_EXAMPLE, block.file


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake (\w+)", README))
    assert {"demo", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_linked_files_exist() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    assert links
    for link in links:
        assert (ROOT / link).is_file(), link


def test_folder_table_is_complete() -> None:
    first_cells = re.findall(r"^\| (`[^|]+) \|", README, re.MULTILINE)
    named = {name for cell in first_cells for name in re.findall(r"`(\w+)/`", cell)}
    folders = {p.relative_to(ROOT).parts[0] for p in tracked_files() if len(p.relative_to(ROOT).parts) > 1}
    assert named == {f for f in folders if not f.startswith(".")}


def test_pictured_question_is_in_the_sample() -> None:
    """The picture's question is a real one and its page's attribution is given."""
    match = re.search(r"<!-- sample: (\S+) -->\n((?:> .*\n)+)", README)
    assert match is not None
    sample = next(s for s in load_benchmark("pepper-carrot").samples if s.id == match.group(1))
    shown = match.group(2)
    assert sample.question in shown
    for letter, choice in zip(sample.letters, sample.choices or (), strict=True):
        assert f"{letter}. {choice}" in shown
    entries = json.loads((PEPPER / "manifest.json").read_text(encoding="utf-8"))
    attribution = next(e["attribution"] for e in entries if e["image"] == sample.image)
    who, _ = attribution.split("; CC BY 4.0")
    assert who in " ".join(README.split())
    assert (ROOT / "docs" / "marked_page.jpg").stat().st_size < 250_000


def test_sample_counts_are_those_of_the_benchmark() -> None:
    """The table of counts in README is the benchmark's."""
    assert "pepper-carrot" in bundled()
    samples = load_benchmark("pepper-carrot").samples
    rows = re.findall(r"^\| ([\w ]+) \| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|", README, re.MULTILINE)
    assert len(rows) == len({s.task for s in samples})
    for _, task, *counts in rows:
        found = [
            sum(s.task == task and s.split == x and s.language == "en" for s in samples)
            for x in ("train", "val", "test")
        ]
        assert [int(c) for c in counts] == found, task


def test_demo_table_is_of_the_bundled_revision() -> None:
    """Whoever rebuilds the sample runs `make demo` again and shows what it prints."""
    revision = load_benchmark("pepper-carrot").revision
    assert f"on pepper-carrot {revision}" in README
