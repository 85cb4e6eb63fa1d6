"""A zoom run's pages hold the very words in which the model was told of the tool."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from report.made_runs import make_run
from support.runs import TableModel

from comic_eval.report.told import tool_words
from comic_eval.report.write import write_view
from comic_eval.run.manifest import read_manifest
from comic_eval.zoom.settings import ZoomSettings

TOLD = re.compile(r'<details class="turn prompt tool">.*?<code[^>]*>(.*?)</code></details>', re.DOTALL)


def told(run: Path) -> list[str]:
    """The words on each page that has some."""
    made = [path.read_text(encoding="utf-8") for path in sorted((write_view(run).parent / "samples").iterdir())]
    return [html.unescape(words) for page in made for words in TOLD.findall(page)]


@pytest.mark.parametrize("dialect", ["native", "qwen", "deepeyes"])
def test_the_words_are_those_that_were_sent(tmp_path: Path, dialect: str) -> None:
    model = TableModel(otherwise=lambda request: "<answer>A</answer>", native_tools=dialect == "native")
    run = make_run(tmp_path, model=model, zoom=ZoomSettings.model_validate({"dialect": dialect}))
    found = told(run)
    assert len(found) == 4
    assert set(found) == {tool_words(read_manifest(run).spec)}
    for request in model.requests:
        if dialect == "native":
            (tool,) = request.tools
            assert json.loads(found[0]) == tool.model_dump(mode="json")
        else:
            sent = [part.text for m in request.conversation.messages for part in m.content if part.type == "text"]
            assert found[0] in sent


def test_a_run_without_the_tool_has_none(tmp_path: Path) -> None:
    assert told(make_run(tmp_path)) == []
