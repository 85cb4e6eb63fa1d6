"""The scripted model: which reply wins, faults, and what is wrong with a file."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from support.adapters import ask, ask_all, fail, question, request

from comic_eval.errors import PluginError, RequestError, RetryableError
from comic_eval.plugins import create_adapter, load
from comic_eval.types import Generation, Request, Usage

ScriptedAdapter = load("model_adapters", "scripted").ScriptedAdapter
SCRIPT = {
    "default": "default",
    "tasks": {"character_counting": "task"},
    "rules": [{"pattern": "(?i)NEARER", "reply": "first rule"}, {"pattern": ".", "reply": "second rule"}],
    "samples": {"s1": "sample"},
}


def script(folder: Path, data: object, name: str = "script.yaml") -> str:
    path = folder / name
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data), encoding="utf-8")
    return f"scripted:{path}"


@pytest.mark.parametrize(
    ("sample", "task", "prompt", "without", "expected"),
    [
        ("s1", "character_counting", "Who is nearer?", (), "sample"),
        ("s2", "character_counting", "Who is nearer?", (), "first rule"),
        ("s2", "character_counting", "Who?", (), "second rule"),
        ("s2", "character_counting", "Who?", ("rules",), "task"),
        ("s2", "depth_comparison", "Who?", ("rules",), "default"),
    ],
)
def test_the_most_special_reply_wins(
    tmp_path: Path, sample: str, task: str, prompt: str, without: tuple[str, ...], expected: str
) -> None:
    model = script(tmp_path, {k: v for k, v in SCRIPT.items() if k not in without})
    assert ask(create_adapter(model), request(prompt, of=question(sample, task=task))).text == expected


def test_no_reply_is_a_failure(tmp_path: Path) -> None:
    error = fail(create_adapter(script(tmp_path, {"samples": {"other": "x"}})))
    assert error.cause == "not_scripted"
    assert "'s1'" in str(error)


def test_faults(tmp_path: Path) -> None:
    data: dict[str, Any] = {"default": "B", "faults": {
        "s1": {"cause": "rate_limit", "status": 429, "retry_after_s": 0.5, "times": 2},
        "s2": {"cause": "http_400", "retryable": False},
    }}  # fmt: skip
    adapter = create_adapter(script(tmp_path, data))
    assert not adapter.info.deterministic
    first, second = request(of=question("s1")), request(of=question("s2"))
    found = ask_all(adapter, first, first, first, second)
    assert isinstance(found[0], RetryableError)
    assert (found[0].cause, found[0].status, found[0].retry_after) == ("rate_limit", 429, 0.5)
    assert isinstance(found[1], RetryableError)
    assert isinstance(found[2], Generation)
    assert isinstance(found[3], RequestError)
    assert not isinstance(found[3], RetryableError)


def test_json_works_too_and_the_record_changes_with_the_file(tmp_path: Path) -> None:
    one = create_adapter(script(tmp_path, '{"default": "A"}', "one.json"))
    two = create_adapter(script(tmp_path, '{"default": "B"}', "two.json"))
    assert (ask(one).text, ask(two).text) == ("A", "B")
    assert one.info.settings != two.info.settings
    assert one.info.deterministic


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("defualt: A", "defualt: Extra inputs.*Its fields are: default, tasks"),
        ("rules: [{pattern: '(', reply: B}]", r"rules\.0\.pattern: .*no regular expression"),
        ("samples: {s1: 3}", r"samples\.s1: .*string"),
        ("faults: {s1: {times: 0}}", r"faults\.s1\.times"),
        ("- a\n- b", "the file: "),
        ("a: [", "no YAML or JSON"),
        ("a: !!python/object/apply:os.system ['true']", "no YAML or JSON"),
    ],
)
def test_errors_name_file_and_field(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PluginError, match=f"(?s)script .*script.yaml.*{words}"):
        create_adapter(script(tmp_path, text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"default: \xe9t\xe9")
    for name, words in (("missing.yaml", "No such file"), (".", "Is a directory"), ("latin.yaml", "UTF-8")):
        with pytest.raises(PluginError, match=words):
            create_adapter(f"scripted:{tmp_path / name}")


def test_settings_belong_into_the_file(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="temperature"):
        create_adapter(script(tmp_path, {}), temperature=1)


def test_from_python() -> None:
    async def slow(request: Request) -> Generation:
        return Generation(text=request.question.id, usage=Usage(output_tokens=1))

    def failing(request: Request) -> str:
        raise RequestError("no", cause="http_400")

    assert ask(ScriptedAdapter("B")).text == "B"
    assert ask(ScriptedAdapter(lambda r: r.question.task.upper())).text == "ACTION_RECOGNITION"
    assert ask(ScriptedAdapter(slow)).usage.output_tokens == 1
    assert fail(ScriptedAdapter(failing)).cause == "http_400"
