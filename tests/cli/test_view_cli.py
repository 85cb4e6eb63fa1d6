"""`comic-eval view`."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from report.made_runs import make_run

from comic_eval.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("view"))


def view(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["view", *map(str, arguments)])
    return result.exit_code, result.stdout or result.stderr


def test_it_says_how_much_it_wrote(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(main, ["view", str(run), "--no-open", "--out", str(out)])
    # The path alone goes to stdout, where scripts read it.
    assert result.stdout == f"{out / 'index.html'}\n"
    sizes = [path.stat().st_size for path in out.rglob("*") if path.is_file()]
    assert result.stderr == f"{len(sizes)} files, {sum(sizes) / 1000:.0f} kB\n"


def test_by_name_and_by_folder(run: Path, tmp_path: Path) -> None:
    status, output = view("run", "--runs-dir", run.parent, "--no-open", "--out", tmp_path / "named")
    assert (status, output) == (0, f"{tmp_path / 'named' / 'index.html'}\n")
    assert (tmp_path / "named" / "index.html").is_file()
    status, output = view(run, "--no-open")
    assert (status, output) == (0, f"{run / 'view' / 'index.html'}\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing", "--no-open"], "no run 'nothing'"),
        (["../..", "--no-open"], "not a folder with a manifest.json"),
    ],
)
def test_mistakes(arguments: list[str], words: str, tmp_path: Path) -> None:
    status, output = view(*arguments, "--runs-dir", tmp_path)
    assert status == 2
    assert words in output


def test_a_benchmark_that_is_none(run: Path, tmp_path: Path) -> None:
    status, output = view(run, "--no-open", "--benchmark", tmp_path)
    assert status == 2
    assert "Name its folder with --benchmark" in output


def test_it_opens_in_the_browser(run: Path, tmp_path: Path) -> None:
    """The browser is a program that writes down what it is asked to open."""
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path / "opened"}\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    call = [
        sys.executable,
        "-c",
        "from comic_eval.cli import main; main()",
        "view",
        str(run),
        "--out",
        tmp_path / "out",
    ]
    environment = os.environ | {"BROWSER": f"{browser} %s"}
    subprocess.run(call, env=environment, check=True, timeout=120, capture_output=True)
    assert (tmp_path / "opened").read_text() == f"{(tmp_path / 'out' / 'index.html').as_uri()}\n"
