"""``comic-eval run --zoom`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.zoom_pages import make_zoom_pages, zoomer

from comic_eval.cli import main


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_zoom_pages(tmp_path_factory.mktemp("zoom") / "pages", 12).folder


def call(*arguments: object) -> Any:
    result = CliRunner().invoke(main, ["run", *map(str, arguments)], env={"OPENAI_API_KEY": "nobody"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_table_6_beside_the_papers(pages: Path, tmp_path: Path) -> None:
    with zoomer() as server:
        model = ("--model", "openai:mock", "--base-url", server.base_url, "--benchmark", pages, "--runs-dir", tmp_path)
        done = call(*model, "--name", "r", "--zoom", "--max-turns", 6, "--crop-budget", 512, "--crop-padding", 0.1)
    assert done.exit_code == 0, done.stderr
    rows = {line[:22].strip(): line[22:].split() for line in done.stdout.splitlines()}
    assert rows["avg. tool calls"] == ["1.00"]
    assert rows["avg. IoU"] == ["1.000"]
    assert rows["paper: mean IoU"] == ["0.862"]
    zoom = json.loads((tmp_path / "r" / "manifest.json").read_text())["spec"]["zoom"]
    assert (zoom["max_turns"], zoom["crop_budget"], zoom["max_images"], zoom["dialect"]) == (6, 512, 12, "native")
    assert zoom["crop"] == {"padding": 0.1, "min_side": 28, "max_aspect": 100.0, "min_pixels": 0}


def test_a_wrong_frame_is_a_warning(pages: Path, tmp_path: Path) -> None:
    with zoomer() as server:
        model = ("--model", "openai:mock", "--base-url", server.base_url, "--benchmark", pages, "--runs-dir", tmp_path)
        done = call(*model, "--name", "r", "--zoom", "--coords", "yxyx-1000", "--json")
    assert done.exit_code == 0
    assert "these boxes look like 0-1000 xyxy" in done.stderr
    assert json.loads(done.stdout)["tasks"]["action_recognition"]["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--max-turns", 3), "--max-turns: only for episodes; add --zoom"),
        (("--coords", "xyxy-1"), "--coords: only for episodes"),
        (("--zoom", "--view", "blind"), "zooming begins with the page"),
        (("--zoom",), "first looks at no picture, so it cannot zoom"),
    ],
)
def test_mistakes(options: tuple[object, ...], words: str, pages: Path, tmp_path: Path) -> None:
    done = call("--model", "first", "--benchmark", pages, "--runs-dir", tmp_path, *options)
    assert done.exit_code == 2
    assert words in done.stderr
