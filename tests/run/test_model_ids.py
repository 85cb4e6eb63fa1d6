"""What is said about a model id that names no provider that there is, and about settings that a plugin lacks."""

import re

import pytest

from comic_eval.errors import PluginError
from comic_eval.plugins import check_settings, create_adapter


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gpt-4o", "openai:gpt-4o"),
        ("o4-mini", "openai:o4-mini"),
        ("gemini-2.5-flash", "gemini:gemini-2.5-flash"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "vllm:Qwen/Qwen2.5-VL-7B-Instruct"),
        ("o3", "openai:o3"),
        ("qwen2.5vl:7b", "openai:qwen2.5vl:7b"),
        ("qwen2.5vl", "vllm:qwen2.5vl"),
        ("OpenGVLab/InternVL3-8B", "vllm:OpenGVLab/InternVL3-8B"),
    ],
)
def test_a_model_without_its_provider_is_told_which(typed: str, meant: str) -> None:
    with pytest.raises(PluginError, match=f"did you mean '{re.escape(meant)}'"):
        create_adapter(typed)


def test_other_unknown_providers_are_told_what_there_is() -> None:
    with pytest.raises(PluginError, match="unknown model adapter 'opnai'; did you mean 'openai'"):
        create_adapter("opnai:gpt-4o")
    with pytest.raises(PluginError, match=r"unknown model adapter 'quux'.*Known: .*openai"):
        create_adapter("quux")


def create(name: str, threshold: float = 110.0, *, dark: bool = True) -> None:
    """As a user's adapter has it."""


def test_a_misspelled_setting_is_named_with_those_that_there_are() -> None:
    meant = r"'treshold'; did you mean 'threshold'\? It takes: threshold, dark$"
    with pytest.raises(PluginError, match=meant):
        check_settings("adapter plugin 'brightness'", create, ("",), {"treshold": 100})
    check_settings("adapter plugin 'brightness'", create, ("",), {"threshold": 100, "dark": False})


def test_a_judge_that_takes_no_name_says_so() -> None:
    def judge(*, strict: bool = False) -> None:
        """As a user's judge has it."""

    with pytest.raises(PluginError, match=r"judge plugin 'mine': settings: too many.*It takes: strict"):
        check_settings("judge plugin 'mine'", judge, ("gpt",), {})
    with pytest.raises(PluginError, match=r"'strikt'; did you mean 'strict'"):
        check_settings("judge plugin 'mine'", judge, (), {"strikt": True})
