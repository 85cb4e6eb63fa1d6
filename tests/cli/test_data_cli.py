"""``comic-eval data`` as a user types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from support.small_benchmark import draw_page, edit_info, edit_lines, make_benchmark

from comic_eval.cli import main


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["data", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_benchmark(tmp_path / "small").folder


def test_help_names_the_commands() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in ("build", "validate", "stats", "import"):
        assert command in result.output


def test_help_of_import_shows_a_mapping() -> None:
    assert "columns: {image: picture" in run("import", "--help").output


def test_validate_clean(folder: Path) -> None:
    result = run("validate", folder)
    assert (result.exit_code, result.output) == (0, f"{folder}: no defects\n")
    assert json.loads(run("validate", folder, "--json").output) == []


def test_validate_with_defects(folder: Path) -> None:
    edit_lines(folder, lambda lines: [lines[1].update(answer="Z"), lines[4].update(image="../x.png"), lines.pop(8)])
    edit_info(folder, lambda info: info.update(splits=["train", "test"]))
    result = run("validate", folder)
    assert result.exit_code == 2
    *listed, last = result.output.splitlines()
    assert any(d.startswith("samples.jsonl:2: answer: 'Z' is not among the choices A, B, C, D → write") for d in listed)
    assert any(d.startswith("samples.jsonl:5: image: '../x.png' leaves the benchmark folder → ") for d in listed)
    assert last == f"{folder}: {len(listed)} defects"
    as_json = run("validate", folder, "--json")
    assert as_json.exit_code == 2
    places = [(d["file"], d["line"], d["field"]) for d in json.loads(as_json.output)]
    assert len(places) == len(listed)
    assert places[0] == ("samples.jsonl", 2, "answer")


@pytest.mark.parametrize("command", ["validate", "stats"])
def test_unknown_benchmark(command: str, tmp_path: Path) -> None:
    result = run(command, tmp_path / "gone")
    assert result.exit_code == 2
    assert "error: no benchmark" in result.output


def test_stats_prints_table_2(folder: Path) -> None:
    edit_lines(folder, lambda lines: [lines[i].update(split="test_guessable") for i in (14, 21)])
    edit_info(folder, lambda info: info.update(splits=["train", "test", "test_guessable"]))
    result = run("stats", folder)
    assert result.exit_code == 0
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines() if "│" in line]
    assert ["Single-Panel Understanding", "Panel Understanding", "open-ended", "/", "1", "0", "1", "1"] in lines
    assert ["Single-Panel Recognition", "Action Recognition", "multi-choice", "4", "1", "1", "2", "0"] in lines
    assert ["", "Character Counting", "numerical", "/", "1", "1", "2", "0"] in lines
    assert ["Total", "", "", "", "7", "6", "13", "1"] in lines
    assert "never scored (test_guessable 2)" not in result.output
    assert "never scored (test_guessable 1)" in result.output
    assert "Questions in en, fr each" in result.output


def test_stats_as_json(folder: Path) -> None:
    numbers = json.loads(run("stats", folder, "--json").output)
    assert numbers["splits"] == ["train", "test"]
    assert numbers["pages"] == {"train": 1, "test": 1}
    row = next(r for r in numbers["rows"] if r["task"] == "action_recognition")
    assert row["choices"] == {"4": 1}
    assert row["answers"] == {"C": 1}
    assert row["type"] == "multi-choice"


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_stats_figure(folder: Path, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    figure = tmp_path / f"figure.{suffix}"
    result = run("stats", folder, "--figure", figure)
    assert result.exit_code == 0, result.output
    assert figure.stat().st_size > 5000
    again = run("stats", folder, "--figure", figure)
    assert again.exit_code == 2
    assert "exists already" in again.output


def test_stats_figure_of_unknown_kind(folder: Path, tmp_path: Path) -> None:
    result = run("stats", folder, "--figure", tmp_path / "figure.exe")
    assert result.exit_code == 2
    assert ".png, .pdf, .svg" in result.output


def test_stats_without_matplotlib(folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from comic_eval.cli import main\n"
        f"main(['data', 'stats', {str(folder)!r}, '--figure', {str(tmp_path / 'x.png')!r}])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "pip install 'comic-eval[figures]'" in result.stderr


def test_validate_needs_neither_rich_nor_pandas(folder: Path) -> None:
    code = (
        "import sys; from comic_eval.cli import main\n"
        f"main(['data', 'validate', {str(folder)!r}], standalone_mode=False)\n"
        "print(sorted({'rich', 'pandas', 'matplotlib', 'datasets', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == [f"{folder}: no defects", "[]"]


def write_source(folder: Path) -> tuple[Path, Path]:
    draw_page(folder / "page.png", "pink", "page")
    rows = [{"picture": "page.png", "q": "What?", "gold": "A", "options": ["a", "b"]}, {"picture": "page.png", "q": ""}]
    (folder / "rows.json").write_text(json.dumps(rows))
    mapping = {
        "name": "mine",
        "version": "1",
        "license": "CC0-1.0",
        "description": "Mine.",
        "columns": {"image": "picture", "question": "q", "answer": "gold", "choices": "options"},
        "constants": {"task": "action_recognition", "split": "test", "language": "en"},
    }
    (folder / "mapping.yaml").write_text(yaml.safe_dump(mapping))
    return folder / "rows.json", folder / "mapping.yaml"


def test_import(tmp_path: Path) -> None:
    rows, mapping = write_source(tmp_path)
    refused = run("import", rows, tmp_path / "out", "--mapping", mapping)
    assert refused.exit_code == 2
    assert "rows.json, row 2: q:" in refused.output
    assert "--skip-bad" in refused.output
    result = run("import", rows, tmp_path / "out", "--mapping", mapping, "--skip-bad")
    assert result.exit_code == 0, result.output
    assert "1 samples, 1 rows left out" in result.output
    assert "left out: rows.json, row 2: q:" in result.output
    assert run("validate", tmp_path / "out").exit_code == 0


def test_build_needs_both_coco_options(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text("")
    result = run("build", tmp_path, tmp_path / "out", "--mapping", tmp_path / "mapping.yaml")
    assert result.exit_code == 2
    assert "--coco and --mapping go together" in result.output


def test_build_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    result = run("build", tmp_path / "pages", tmp_path / "out", "--seed", "3")
    assert result.exit_code == 2
    assert "error:" in result.output
    assert not (tmp_path / "out").exists()
