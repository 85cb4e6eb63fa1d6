"""The gemini adapter against a strict server: what it sends, what it reads, what it refuses."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.adapters import ask, ask_all, conversation_request, fail, picture, question, request
from support.gemini_replies import GeminiReply
from support.mock_gemini import GeminiRequest, MockGemini
from support.runs import RIGHT, FixedJudge, make_pages

import comic_eval
from comic_eval.conformance import check_adapter
from comic_eval.contracts import Adapter
from comic_eval.errors import PluginError, UserError
from comic_eval.plugins import create_adapter
from comic_eval.run.spec import Operation
from comic_eval.types import (
    Conversation,
    EncodedImage,
    ImagePart,
    Message,
    Part,
    Request,
    SamplingParams,
    TextPart,
    ToolCall,
    ToolSpec,
)

OLD, NEW = "gemini-2.5-flash", "gemini-3.8-flash"
SCHEMA = {"type": "object", "properties": {"bbox_2d": {"type": "array", "minItems": 4}}, "required": ["bbox_2d"]}
LOOK = ToolSpec(name="look", description="Looks closer.", parameters=SCHEMA)
BOX = '{"bbox_2d":[1,2,3,4]}'
ENVIRONMENT = ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_GENAI_USE_VERTEXAI")


@pytest.fixture(autouse=True, scope="module")
def _environment() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        for name in (*ENVIRONMENT, "GOOGLE_GENAI_API_VERSION", "GOOGLE_GENAI_HTTP_CLIENT"):
            patch.delenv(name, raising=False)
        yield


def adapter(server: MockGemini, model: str = NEW, **given_settings: Any) -> Adapter:
    return create_adapter(f"gemini:{model}", base_url=server.base_url, **given_settings)


def said(role: Any, *parts: str | EncodedImage, **fields: Any) -> Message:
    content: tuple[Part, ...] = tuple(TextPart(text=p) if isinstance(p, str) else ImagePart(image=p) for p in parts)
    return Message(role=role, content=content, **fields)


def talk(*messages: Message, tools: tuple[ToolSpec, ...] = (LOOK,), **fields: Any) -> Request:
    fields.setdefault("params", SamplingParams())
    return Request(conversation=Conversation(messages=messages), question=question(), tools=tools, **fields)


def test_sends_pictures_and_text_in_order() -> None:
    page, crop = picture("page"), picture("crop", kind="JPEG", size=(56, 56))
    with MockGemini(reply="<answer>B</answer>") as server:
        answer = ask(adapter(server), request(page, "first", crop, "second"))
        (seen,) = server.requests
    assert answer.text == "<answer>B</answer>"
    assert (answer.finish_reason, answer.model, answer.retries) == ("stop", NEW, 0)
    assert answer.latency_s is not None
    assert (seen.version, seen.seen.text) == ("v1", "first\nsecond")
    assert seen.seen.outline == ("user:image", "user:text", "user:image", "user:text")
    assert [(i.sha256, i.size, i.media_type) for i in seen.seen.images] == [
        (page.sha256, (120, 80), "image/png"),
        (crop.sha256, (56, 56), "image/jpeg"),
    ]


def test_all_roles() -> None:
    turns: list[tuple[Any, Any]] = [
        ("system", (TextPart(text="Be brief."),)),
        ("user", (ImagePart(image=picture()), TextPart(text="Which?"))),
        ("assistant", (TextPart(text="A"),)),
        ("user", (TextPart(text="Sure?"),)),
    ]
    with MockGemini() as server:
        ask(adapter(server), conversation_request(turns))
        seen = server.requests[0].seen
    assert (seen.system, seen.text) == ("Be brief.", "Which?\nA\nSure?")
    assert seen.outline == ("user:image", "user:text", "model:text", "user:text")


def test_equal_requests_have_equal_bytes() -> None:
    with MockGemini() as server:
        ask_all(adapter(server), request(picture("a"), "x"), request(picture("a"), "x"))
        assert len({r.body_sha256 for r in server.requests}) == 1


def test_sampling_parameters() -> None:
    with MockGemini() as server:
        ask(adapter(server), request(max_tokens=50, seed=3, top_p=0.5, temperature=0.25))
        ask(adapter(server), request(max_tokens=None, temperature=None))
        first, second = (r.seen.config for r in server.requests)
    assert first == {"temperature": 0.25, "topP": 0.5, "maxOutputTokens": 50, "seed": 3}
    assert second == {}


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        (OLD, "none", {"thinkingBudget": 0}),
        (OLD, "minimal", {"thinkingBudget": 1024}),
        (OLD, "low", {"thinkingBudget": 1024}),
        (OLD, "high", {"thinkingBudget": 24576}),
        (NEW, "low", {"thinkingLevel": "LOW"}),
        (NEW, "xhigh", {"thinkingLevel": "XHIGH"}),
        (NEW, "none", {"thinkingBudget": 0}),
    ],
)
def test_reasoning_effort(model: str, effort: str, sent: dict[str, Any]) -> None:
    with MockGemini() as server:
        ask(adapter(server, model), request(reasoning_effort=effort))
        assert server.requests[0].seen.config["thinkingConfig"] == sent


@pytest.mark.parametrize(("model", "effort"), [(OLD, "xhigh"), (NEW, "hgih")])
def test_an_unknown_effort_is_not_sent(model: str, effort: str) -> None:
    with MockGemini() as server:
        error = fail(adapter(server, model), request(reasoning_effort=effort))
        assert server.requests == []
    assert error.cause == "bad_request"
    assert "there are none, minimal, low, medium, high" in str(error)


def test_extra_body_is_merged_into_the_request() -> None:
    extra = {"generationConfig": {"topK": 4}, "safetySettings": [{"category": "X", "threshold": "OFF"}]}
    with MockGemini() as server:
        ask(adapter(server), request(extra_body=extra))
        sent = server.requests[0].body
        assert sent["generationConfig"] == {"temperature": 0.0, "maxOutputTokens": 2048, "topK": 4}
        assert sent["safetySettings"] == extra["safetySettings"]
        unknown = fail(adapter(server), request(extra_body={"foo": 1}))
        assert 'Unknown name "foo"' in str(unknown)
        for taken in ({"contents": []}, {"generationConfig": {"candidateCount": 2}}):
            with pytest.raises(UserError, match="extra_body may not set"):
                ask(adapter(server), request(extra_body=taken))


def test_media_resolution() -> None:
    with MockGemini() as server:
        made = adapter(server, media_resolution="high")
        ask(made, request(picture(), "x"))
        assert server.requests[0].seen.config["mediaResolution"] == "MEDIA_RESOLUTION_HIGH"
    assert made.info.settings["media_resolution"] == "high"


def test_usage_and_thoughts() -> None:
    reply = GeminiReply("B it is", thoughts="Look left.", thoughts_tokens=12, cached_tokens=2, model="gemini-3.8-001")
    with MockGemini(reply=reply) as server:
        answer = ask(adapter(server), request(picture(), "one two three"))
    usage = answer.usage
    assert (usage.input_tokens, usage.image_tokens, usage.cached_tokens) == (261, 258, 2)
    assert (usage.output_tokens, usage.reasoning_tokens) == (15, 12)
    assert (answer.text, answer.reasoning, answer.model) == ("B it is", "Look left.", "gemini-3.8-001")


def test_no_usage_is_unknown_not_zero() -> None:
    with MockGemini(reply=GeminiReply("B", usage=False)) as server:
        usage = ask(adapter(server)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.image_tokens) == (None, None, None)


def test_an_answer_cut_off_in_its_thoughts_is_empty() -> None:
    with MockGemini(reply=GeminiReply(finish_reason="MAX_TOKENS", thoughts_tokens=9)) as server:
        answer = ask(adapter(server))
    assert (answer.text, answer.finish_reason, answer.usage.output_tokens) == ("", "length", 9)


def test_a_reason_that_nobody_knows_yet_keeps_its_name() -> None:
    with MockGemini(reply=GeminiReply("B", finish_reason="NEW_REASON")) as server:
        assert ask(adapter(server)).finish_reason == "new_reason"


def test_an_answer_by_schema() -> None:
    with MockGemini(reply='{"bbox_2d": []}') as server:
        ask(adapter(server), talk(said("user", "Where?"), tools=(), response_schema=SCHEMA))
        config = server.requests[0].seen.config
    assert (config["responseMimeType"], config["responseJsonSchema"]) == ("application/json", SCHEMA)


@pytest.mark.parametrize("model", [OLD, NEW])
def test_an_episode_with_tools(model: str) -> None:
    """Two calls at once, one more, then the answer; ids and signatures go back as they came."""
    crops = [picture(str(i), size=(60 + i, 40)) for i in range(3)]
    box = {"bbox_2d": [1, 2, 3, 4]}
    replies = [
        GeminiReply("Let me look.", calls=(("look", box), ("look", box))),
        GeminiReply(calls=(("look", box),)),
        GeminiReply("<answer>B</answer>"),
    ]
    messages = [said("system", "You look."), said("user", picture("page"), "Where?")]
    with MockGemini(reply=lambda seen: replies[seen.index]) as server:
        made, left = adapter(server, model), list(crops)
        for _ in replies[:2]:
            answer = ask(made, talk(*messages))
            assert answer.finish_reason == "tool_calls"
            messages.append(said("assistant", answer.text, tool_calls=answer.tool_calls))
            messages += [said("tool", "Here.", left.pop(0), tool_call_id=c.id) for c in answer.tool_calls]
        assert ask(made, talk(*messages)).text == "<answer>B</answer>"
        last = server.requests[-1]
    calls = [c for m in messages for c in m.tool_calls]
    assert len({c.id for c in calls}) == 3
    assert [c.arguments for c in calls] == [BOX] * 3
    assert last.seen.functions == ("look",)
    assert [i.sha256 for i in last.seen.images][1:] == [c.sha256 for c in crops]
    result, then = ("user:result:look+1", []) if model == NEW else ("user:result:look", ["user:image"])
    assert list(last.seen.outline) == [
        "user:image", "user:text",
        "model:text", "model:call:look", "model:call:look", result, result, *(then * 2),
        "model:call:look", result, *then,
    ]  # fmt: skip
    assert len(last.seen.signatures) == (2 if model == NEW else 0)
    assert [c.opaque is not None for c in calls] == ([True, False, True] if model == NEW else [False] * 3)
    declared = last.body["tools"][0]["functionDeclarations"][0]
    assert declared["parameters_json_schema"] == SCHEMA


def test_where_pictures_of_results_go_can_be_set() -> None:
    call = ToolCall(id="c1", name="look", arguments=BOX)
    messages = (said("user", "Where?"), said("assistant", tool_calls=(call,)),
                said("tool", "Here.", picture(), tool_call_id="c1"))  # fmt: skip
    with MockGemini() as server:
        made = adapter(server, OLD, tool_images="function_response")
        assert "Multimodal function responses are not supported" in str(fail(made, talk(*messages)))
        ask(adapter(server, OLD, tool_images="user"), talk(*messages))
        assert server.requests[0].seen.outline[-2:] == ("user:result:look", "user:image")
        # The id that the model gave goes back with call and response.
        assert '"id":"c1"' in str(server.requests[0].body["contents"]).replace("'", '"').replace(" ", "")


def test_a_result_that_is_an_object_stays_one() -> None:
    call = ToolCall(id="c1", name="look", arguments="{}")
    with MockGemini() as server:
        for text in ('{"error": "outside"}', "Image 1", "[1]"):
            result = said("tool", text, tool_call_id="c1")
            ask(adapter(server, OLD), talk(said("user", "?"), said("assistant", tool_calls=(call,)), result))
        sent = [r.body["contents"][-1]["parts"][0]["functionResponse"]["response"] for r in server.requests]
    assert sent == [{"error": "outside"}, {"output": "Image 1"}, {"output": "[1]"}]


def test_a_call_that_the_api_could_not_parse_is_a_malformed_call() -> None:
    words = "Malformed function call: look(bbox_2d=[1,"
    replies = [GeminiReply(finish_reason="MALFORMED_FUNCTION_CALL", finish_message=words), GeminiReply("B")]
    with MockGemini(reply=lambda seen: replies[seen.index]) as server:
        made, start = adapter(server), said("user", "Where?")
        answer = ask(made, talk(start))
        (call,) = answer.tool_calls
        assert (call.name, call.arguments) == ("look", words)
        # The API has no place for such a call: it goes back as text, and so does what it returned.
        again = talk(start, said("assistant", tool_calls=(call,)), said("tool", "No JSON.", tool_call_id=call.id))
        assert ask(made, again).text == "B"
        seen = server.requests[1].seen
    assert seen.outline == ("user:text", "model:text", "user:text")
    assert seen.text == f"Where?\n{words}\nNo JSON."


def test_a_call_that_nobody_offered_is_a_broken_answer() -> None:
    with MockGemini(reply=GeminiReply(calls=(("look", {}),))) as server:
        assert fail(adapter(server)).cause == "bad_response"


def test_a_result_without_its_call_is_refused_before_it_is_sent() -> None:
    with MockGemini() as server:
        error = fail(adapter(server), talk(said("user", "?"), said("tool", "ok", tool_call_id="c9")))
        assert (error.cause, server.requests) == ("bad_request", [])


def test_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockGemini() as server:
        ask(adapter(server))
        monkeypatch.setenv("GEMINI_API_KEY", "the-gemini-key")
        ask(adapter(server))
        monkeypatch.setenv("MY_KEY", "mine")
        ask(adapter(server, api_key_env="MY_KEY"))
        # Google's client reads this one first.
        monkeypatch.setenv("GOOGLE_API_KEY", "the-google-key")
        made = adapter(server)
        ask(made)
        sent = [r.headers["x-goog-api-key"] for r in server.requests]
    assert sent == ["none", "the-gemini-key", "mine", "the-google-key"]
    assert "the-google-key" not in made.info.model_dump_json()


def test_a_wrong_key_and_an_unknown_model() -> None:
    with MockGemini(api_key="right", models=[NEW]) as server:
        assert fail(adapter(server)).cause == "auth"
    with MockGemini(models=[NEW]) as server:
        assert fail(adapter(server, OLD)).cause == "model_not_found"


def test_google_itself_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="GOOGLE_API_KEY or GEMINI_API_KEY"):
        create_adapter(f"gemini:{NEW}")
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-x1y2z3")
    info = create_adapter(f"gemini:{NEW}").info
    assert (info.id, info.family) == (f"gemini:{NEW}", "gemini")
    assert info.settings["base_url"] == "https://generativelanguage.googleapis.com"


def test_base_url_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockGemini() as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.base_url + "/")
        # A project's settings for Google Cloud must not send the request elsewhere.
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        made = create_adapter(f"gemini:{NEW}", api_version="v1beta")
        ask(made)
        assert server.requests[0].version == "v1beta"
        assert made.info.settings["base_url"] == server.base_url


@pytest.mark.parametrize(
    ("given_settings", "words"),
    [
        ({"base_url": "localhost:8000"}, "base_url: Value error, must look like http://"),
        ({"base_url": "http://user:pass@host"}, "no credentials"),
        ({"base_url": "http://h", "media_resolution": "huge"}, "media_resolution"),
        ({"base_url": "http://h", "tiemout_s": 3}, "tiemout_s.*Its settings are: base_url, api_version, timeout_s"),
    ],
)
def test_wrong_settings_are_named(given_settings: dict[str, Any], words: str) -> None:
    with pytest.raises(PluginError, match=words):
        create_adapter(f"gemini:{NEW}", **given_settings)


@pytest.mark.parametrize("name", ["", "a b", "x?key=1", "../other"])
def test_wrong_names_are_refused(name: str) -> None:
    with pytest.raises(PluginError, match="gemini:MODEL"):
        create_adapter(f"gemini:{name}", base_url="http://h")


def test_says_what_to_install(tmp_path: Path) -> None:
    """In a process that finds no google-genai, as after a plain installation."""
    code = (
        "import sys; sys.modules['google.genai'] = None\n"
        "from comic_eval.errors import PluginError\nfrom comic_eval.plugins import create_adapter\n"
        "try: create_adapter('gemini:gemini-3', base_url='http://h')\n"
        "except PluginError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "pip install 'comic-eval[gemini]'" in done.stdout


def test_nothing_is_imported_before_the_start() -> None:
    code = (
        "import sys\nfrom comic_eval.plugins import create_adapter\n"
        "create_adapter('gemini:gemini-3', base_url='http://h')\nprint('google.genai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("model", [OLD, NEW])
def test_keeps_the_contract(model: str) -> None:
    with MockGemini() as server:
        answers = check_adapter(lambda: adapter(server, model))
    assert len(answers) == 25


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_any_text_arrives_unchanged_or_is_refused(texts: list[str]) -> None:
    with MockGemini() as server:
        ask(adapter(server), request(*texts))
        assert server.requests[0].seen.text == "\n".join(texts)


def test_text_that_is_no_unicode_fails_alone() -> None:
    with MockGemini() as server:
        error = fail(adapter(server), request("\ud800"))
        assert (error.cause, server.requests) == ("bad_request", [])


def test_a_whole_run_through_faults(tmp_path: Path) -> None:
    """Every kind of trouble once: nothing is lost, nothing is asked again after a success, every cause is true."""
    benchmark = make_pages(tmp_path / "pages", 12)
    passing: list[Any] = ["rate_limit", "reset", "malformed", "disconnect", "empty_candidates", "not_unicode"]
    lasting: dict[str, Any] = {
        "page 1?": "safety", "panels of page 2 ": "prompt_blocked", "page 3?": "context_length",
    }  # fmt: skip
    asked: dict[str, int] = {}

    def fault(seen: GeminiRequest) -> Any:
        asked[seen.seen.text] = asked.get(seen.seen.text, 0) + 1
        stays = next((kind for words, kind in lasting.items() if words in seen.seen.text), None)
        return stays or (passing.pop() if passing and asked[seen.seen.text] == 1 else None)

    def right(seen: GeminiRequest) -> str:
        return RIGHT["character_counting" if "how many" in seen.seen.text else "action_recognition"]

    with MockGemini(reply=right, faults=fault) as server:
        run: dict[str, Any] = {
            "benchmark": benchmark.folder,
            "judge": FixedJudge(),
            "name": "run",
            "runs_dir": tmp_path / "runs",
            "operation": Operation(concurrency=4, max_retries=3, max_wait_s=0.01),
            "adapter_settings": {"base_url": server.base_url},
        }
        first = comic_eval.evaluate(model=f"gemini:{NEW}", **run)
        failures = {r.sample_id: r.error.cause for r in first.records if r.error}
        answered = {r.body_sha256 for r in server.requests if r.outcome == "answered"}
        once = server.outcomes["answered"]
        lasting.clear()
        second = comic_eval.evaluate(model=f"gemini:{NEW}", **run)
    assert first.exit_status == 3
    assert failures == {
        "test0001-action-en": "content_filter",
        "test0002-count-en": "content_filter",
        "test0003-action-en": "context_length",
    }
    assert passing == []
    assert once == len(answered) == 21
    tasks = first.summary.tasks
    assert (tasks["action_recognition"].correct, tasks["action_recognition"].failed) == (10, 2)
    assert (tasks["character_counting"].correct, tasks["character_counting"].failed) == (11, 1)
    # The second start asks the failed ones only.
    assert second.exit_status == 0
    assert server.outcomes["answered"] == once + 3
    assert {s.correct for s in second.summary.tasks.values()} == {12}
