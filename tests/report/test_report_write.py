"""The folder of a report: what is in it, and when it is written."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image
from report.made_runs import (
    ANSWERS,
    BLUE,
    BUDGET,
    HOSTILE,
    PANELS,
    RED,
    SIZE,
    add_trace,
    edit_journal,
    episode,
    make_benchmark,
    make_run,
    samples,
)
from support.runs import FixedJudge, TableModel

import comic_eval
from comic_eval.analysis.summary import load_summary
from comic_eval.analysis.table import interval, percent
from comic_eval.errors import BenchmarkError, RunFolderError
from comic_eval.images.encode import encode
from comic_eval.report.source import find_folder
from comic_eval.report.write import write_view
from comic_eval.types import Box, Generation, Judgement, Request, SamplingParams, ToolCall
from comic_eval.zoom.tool import NAME

LINKS = re.compile(r'(?:src|href|action|srcset|poster)="([^"]*)"')


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path)


def pages(view: Path) -> dict[str, str]:
    """Sample id -> its page."""
    data = index_data(view)
    files = sorted((view / "samples").iterdir())
    assert [f.name for f in files] == [f"{i:05d}.html" for i in range(len(data["rows"]))]
    return {row[0]: file.read_text(encoding="utf-8") for row, file in zip(data["rows"], files, strict=True)}


def index_data(view: Path) -> dict[str, Any]:
    html = (view / "index.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = orjson.loads(found[1])
    return data


def sent_images(run: Path) -> dict[str, str]:
    lines = map(orjson.loads, (run / "journal.jsonl").read_bytes().splitlines())
    return {line["sample_id"]: image["sha256"] for line in lines for image in line["images"]}


def test_a_page_a_sample_and_an_index(run: Path) -> None:
    index = write_view(run)
    assert index == run / "view" / "index.html"
    made = pages(index.parent)
    assert list(made) == ["pu-en", "ar-en", "pr-en", "cc-en"]
    outcomes = {row[0]: row[2] for row in index_data(index.parent)["rows"]}
    assert outcomes == {"pu-en": "right", "ar-en": "wrong", "pr-en": "failed", "cc-en": "unparsed"}
    assert {p.name for p in index.parent.iterdir()} == {"index.html", "style.css", "view.json", "samples", "images"}


def test_what_a_page_says(run: Path) -> None:
    made = pages(write_view(run).parent)
    for words in (
        "She sleeps.",
        "the first panel",
        "she / the girl",
        "First the panel, then the girl.",
        "321",
        "1.50 s",
    ):
        assert words in made["pu-en"], words
    assert "I think she sits." in made["ar-en"]
    assert 'class="is-right"><b>C</b>' in made["ar-en"]
    assert 'class="is-chosen"><b>B</b>' in made["ar-en"]
    assert "http_400 (HTTP 400)" in made["pr-en"]
    assert "the server said no" in made["pr-en"]
    assert "none could be read" in made["cc-en"]
    assert "refusal" in made["cc-en"]
    assert "Drawn by a test, CC0." in made["cc-en"]
    assert "https://example.org/pages" in made["cc-en"]


def test_pictures_are_the_very_bytes_that_were_sent(run: Path) -> None:
    view = write_view(run).parent
    stored = {hashlib.sha256(p.read_bytes()).hexdigest() for p in (view / "images").iterdir()}
    sent = sent_images(run)
    assert stored == set(sent.values())
    # Two questions about the unmarked page share one file.
    assert len(stored) == 3
    assert sent["pu-en"] == sent["cc-en"]
    words = "Coloured overlay: drawn here, not sent to the model; the picture beneath is exactly as sent."
    assert all(words in page for page in pages(view).values())


def test_a_page_without_boxes_has_no_overlay(tmp_path: Path) -> None:
    drawn = make_benchmark(tmp_path / "drawn", [s.model_copy(update={"regions": ()}) for s in samples()])
    made = pages(write_view(make_run(tmp_path, benchmark=drawn.folder)).parent)
    for page in made.values():
        assert "Exactly as it was sent." in page
        assert "as-sent" not in page.partition("<script>")[0]
        assert 'class="boxes"' not in page


def test_a_picture_that_differs_from_what_was_sent_says_so(run: Path) -> None:
    edit_journal(run, lambda line: [image.update(sha256="0" * 64) for image in line["images"]])
    made = pages(write_view(run).parent)
    assert "the bytes that were sent differ" in made["pu-en"]
    assert "The coloured overlay is drawn here, too; the model never saw it." in made["pu-en"]
    assert "Without overlay" in made["pu-en"]
    assert "as sent." not in made["pu-en"].partition("<script>")[0]


def test_boxes_are_in_pixels_of_the_page(run: Path) -> None:
    made = pages(write_view(run).parent)
    assert f'viewBox="0 0 {SIZE[0]} {SIZE[1]}"' in made["pu-en"]
    assert 'data-box="[60, 80, 300, 300]"' in made["pu-en"]
    wide = re.search(r'viewBox="0 0 (\d+) (\d+)"', made["pr-en"])
    assert wide is not None
    assert int(wide[1]) > SIZE[0]


def test_pages_load_nothing_from_elsewhere_and_run_one_script(run: Path) -> None:
    view = write_view(run).parent
    for file in [view / "index.html", *(view / "samples").iterdir()]:
        html = file.read_text(encoding="utf-8")
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
        assert policy is not None
        assert policy[1].startswith("default-src &#x27;none&#x27;")
        assert "unsafe" not in policy[1]
        *_, script = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"script-src &#x27;sha256-{digest}&#x27;" in policy[1]
        assert len(re.findall(r"<script", html)) == (2 if file.name == "index.html" else 1)
        assert re.search(r'\s(on\w+|style)="', html) is None
        for link in LINKS.findall(html):
            local = (file.parent / link.split("#")[0]).resolve()
            assert link == "https://example.org/pages" or local.is_relative_to(view.resolve()), link
            assert link.startswith("https:") or local.is_file(), link
    assert "url(" not in (view / "style.css").read_text(encoding="utf-8")
    assert "@import" not in (view / "style.css").read_text(encoding="utf-8")


def cells(html: str, task: str) -> dict[str, str]:
    """Heading -> text of a task's row in the table of results."""
    table = re.search(r'<table class="tasks">(.*?)</table>', html, re.DOTALL)
    assert table is not None
    bare = [
        [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in table[1].split("<tr>")[1:]
    ]
    (found,) = [row for row in bare if row[0].startswith(task)]
    assert len(found) == len(bare[0])
    return dict(zip(bare[0], found, strict=True))


def test_the_table_says_what_the_terminal_says(run: Path) -> None:
    html = write_view(run).read_text(encoding="utf-8")
    summary = load_summary(run)
    wilson = 0
    for task in summary.tasks.values():
        found = cells(html, task.title)
        assert found["Geometry"] == percent(task.geometry)
        assert found["Chance"] == percent(task.chance)
        assert found["95 %"] == interval(task)
        wilson += found["95 %"].endswith("†")
    assert wilson > 0
    assert "† Wilson interval: the bootstrap over pages has no width here." in html
    assert "Geometry: what the boxes of the marks alone give away." in html


def test_geometry_stands_beside_chance(run: Path) -> None:
    manifest = orjson.loads((run / "manifest.json").read_bytes())
    manifest["tasks"]["action_recognition"]["geometry"] = 0.4375
    (run / "manifest.json").write_bytes(orjson.dumps(manifest))
    summary = run / "summary.json"
    summary.unlink(missing_ok=True)
    assert cells(write_view(run).read_text(encoding="utf-8"), "Action Recognition")["Geometry"] == "43.8"


def test_a_judge_of_models_is_shown_with_its_reason(run: Path) -> None:
    votes = (
        Judgement(judge="llm-1", verdict="INCORRECT", by="model", reason="She is awake.", model="judge-a", calls=1),
        Judgement(judge="llm-2", by="model", calls=2, cached=1, unparsed=2, cut=True),
    )
    panel = Judgement(
        judge="panel-1", verdict="NOT_ATTEMPTED", by="panel", reason="\u202e<b>one of two</b>", votes=votes
    )

    def grade(line: dict[str, Any]) -> None:
        if line["sample_id"] == "pu-en":
            line["judge"] = panel.model_dump(mode="json")

    edit_journal(run, grade)
    made = pages(write_view(run).parent)
    section = re.search(r'<section class="judged">.*?</section>', made["pu-en"], re.DOTALL)
    assert section is not None
    for words in (
        "not attempted (by a panel of judges)",
        "&lt;b&gt;one of two&lt;/b&gt;",
        "U+202E",
        "panel-1",
        "Judge 1",
        "incorrect (by a model)",
        "She is awake.",
        "judge-a",
        "none (by a model)",
        "2, 1 from the cache, 2 without a verdict",
        "the beginning of the answer only",
    ):
        assert words in section[0], words
    assert 'class="judged"' not in made["ar-en"]


def test_two_measures_are_told_apart(tmp_path: Path) -> None:
    html = write_view(make_run(tmp_path, judge="reference")).read_text(encoding="utf-8")
    assert (
        "Mean accuracy is the mean over 3 tasks (without Panel Understanding), each with the same weight; Right is the "
        "share of all 4 samples, of every task."
    ) in html


def test_runs_without_the_tool_say_nothing_of_zooms(run: Path) -> None:
    html = write_view(run).read_text(encoding="utf-8").partition("<script")[0]
    assert "Zoom" not in html
    assert "zoom" not in html
    add_trace(run, "pu-en", episode())
    html = write_view(run).read_text(encoding="utf-8")
    assert 'id="zoom"' in html
    assert "3 calls in all" in html


def test_a_report_is_replaced_whole(run: Path) -> None:
    view = write_view(run).parent
    (view / "samples" / "99999.html").write_text("old")
    write_view(run)
    assert not (view / "samples" / "99999.html").exists()
    assert [p.name for p in run.iterdir() if p.name.startswith(".view")] == []


def test_a_failure_leaves_the_old_report(run: Path) -> None:
    view = write_view(run).parent
    before = (view / "index.html").read_bytes()
    (run / "journal.jsonl").write_bytes(b"{}\n" + (run / "journal.jsonl").read_bytes())
    with pytest.raises(RunFolderError):
        write_view(run)
    assert (view / "index.html").read_bytes() == before


@pytest.mark.parametrize("what", ["folder", "file", "link"])
def test_nothing_foreign_is_replaced(run: Path, tmp_path: Path, what: str) -> None:
    out = tmp_path / "mine"
    if what == "folder":
        out.mkdir()
        (out / "thesis.tex").write_text("x")
    elif what == "file":
        out.write_text("x")
    else:
        out.symlink_to(tmp_path)
    with pytest.raises(RunFolderError, match="no report of ours"):
        write_view(run, out=out)


def test_the_run_can_still_go_on(run: Path, tmp_path: Path) -> None:
    write_view(run)
    result = comic_eval.evaluate(
        model=TableModel({"pr-en": "<answer>A</answer>"}),
        benchmark=tmp_path / "drawn",
        runs_dir=run.parent,
        name="run",
        budget=BUDGET,
        judge=FixedJudge(),
    )
    assert result.summary.failed == 0
    outcomes = {row[0]: row[2] for row in index_data(write_view(run).parent)["rows"]}
    assert outcomes["pr-en"] == "right"


def test_runs_by_name_and_by_folder(run: Path) -> None:
    assert find_folder(run, Path("nowhere")) == run
    assert find_folder("run", run.parent) == run
    with pytest.raises(RunFolderError, match="there are: run"):
        find_folder("rnu", run.parent)
    with pytest.raises(RunFolderError, match="there are none"):
        find_folder("../../etc", run.parent / "nowhere")


def test_a_benchmark_that_moved_is_asked_for(run: Path, tmp_path: Path) -> None:
    (tmp_path / "drawn").rename(tmp_path / "moved")
    with pytest.raises(BenchmarkError, match="--benchmark"):
        write_view(run)
    assert write_view(run, benchmark=tmp_path / "moved").is_file()


def test_another_benchmark_is_refused(run: Path, tmp_path: Path) -> None:
    other = make_benchmark(tmp_path / "other", samples(page="p2"))
    with pytest.raises(BenchmarkError, match="not to be found"):
        write_view(run, benchmark=other.folder)


def test_a_run_without_answers_has_nothing_to_show(run: Path) -> None:
    (run / "journal.jsonl").write_bytes(b"")
    with pytest.raises(RunFolderError, match="nothing to show"):
        write_view(run)


def test_an_unfinished_run_says_so(run: Path) -> None:
    first = (run / "journal.jsonl").read_bytes().splitlines(keepends=True)[0]
    (run / "journal.jsonl").write_bytes(first)
    index = write_view(run)
    assert "Incomplete: 1 of 4 samples are finished." in index.read_text(encoding="utf-8")
    assert len(pages(index.parent)) == 1


def test_the_last_record_counts(run: Path) -> None:
    journal = run / "journal.jsonl"
    lines = [orjson.loads(line) for line in journal.read_bytes().splitlines()]
    first = next(line for line in lines if line["sample_id"] == "cc-en")
    later = first | {"text": "<answer>2</answer>", "extracted": "2", "status": "scored", "score": 1.0, "reason": None}
    journal.write_bytes(journal.read_bytes() + orjson.dumps(later) + b"\n")
    view = write_view(run).parent
    assert [row[2] for row in index_data(view)["rows"] if row[0] == "cc-en"] == ["right"]


def test_a_damaged_picture_costs_a_picture(run: Path, tmp_path: Path) -> None:
    (tmp_path / "drawn" / "images" / "en.png").write_bytes(b"torn")
    made = pages(write_view(run).parent)
    assert len(made) == 4
    assert "The picture cannot be shown" in made["pu-en"]
    assert "She sleeps." in made["pu-en"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"view": "blind"}, "The model was shown nothing"),
        ({"model": "random"}, "looks at the question alone"),
    ],
)
def test_models_that_saw_no_page(tmp_path: Path, settings: dict[str, Any], words: str) -> None:
    made = pages(write_view(make_run(tmp_path, judge="reference", **settings)).parent)
    assert all(words in page and "<img" in page for page in made.values())
    assert all("the model never saw it" in page and "exactly as sent" not in page for page in made.values())


def test_oracle_crops_stand_beside_the_page(tmp_path: Path) -> None:
    model = TableModel(otherwise=lambda request: "<answer>A</answer>")
    run = make_run(tmp_path, model=model, view="page+panel", tasks=["action_recognition"])
    view = write_view(run).parent
    page = pages(view)["ar-en"]
    assert "Also sent: " in page
    seen = {image.sha256 for request in model.requests for image in request.conversation.images}
    assert {hashlib.sha256(p.read_bytes()).hexdigest() for p in (view / "images").iterdir()} == seen
    assert len(seen) == 2


def test_crops_alone(tmp_path: Path) -> None:
    model = TableModel(otherwise=lambda request: "<answer>A</answer>")
    run = make_run(tmp_path, model=model, view="panel", tasks=["action_recognition"])
    page = pages(write_view(run).parent)["ar-en"]
    assert "The model was not shown this page but the pictures below" in page
    assert "Sent: " in page


def test_several_answers_to_a_question(tmp_path: Path) -> None:
    answers = iter(["<answer>C</answer>", "<answer>A</answer>"])
    model = TableModel(otherwise=lambda request: next(answers), deterministic=False)
    params = SamplingParams(temperature=1.0)
    run = make_run(tmp_path, model=model, tasks=["action_recognition"], repeats=2, params=params, concurrency=1)
    rows = index_data(write_view(run).parent)["rows"]
    assert [(row[2], row[5]) for row in rows] == [
        ("right", "view page, 300 tokens"),
        ("wrong", "view page, 300 tokens, repeat 2"),
    ]


def test_french(tmp_path: Path) -> None:
    drawn = make_benchmark(tmp_path / "drawn", [*samples("fr"), *samples("en")])
    run = make_run(tmp_path, benchmark=drawn.folder, language="fr")
    view = write_view(run).parent
    made = pages(view)
    assert set(made) == {"pu-fr", "ar-fr", "pr-fr", "cc-fr"}
    assert 'lang="fr"' in made["pu-fr"]
    assert "deja vu" in next(row[-1] for row in index_data(view)["rows"] if row[0] == "pu-fr")


class TestZoom:
    def test_a_zoom_run_shows_every_crop_byte_for_byte(self, tmp_path: Path) -> None:
        def answer(request: Request) -> Generation:
            turns = sum(message.role == "assistant" for message in request.conversation.messages)
            if turns == 2:
                return Generation(text="<answer>A</answer>")
            box = json.dumps({"bbox_2d": [100, 100, 480, 390 + 10 * turns], "img_idx": turns})
            return Generation(text="Closer.", tool_calls=(ToolCall(id=str(turns), name=NAME, arguments=box),))

        model = TableModel(otherwise=answer, native_tools=True)
        view = write_view(make_run(tmp_path, model=model, zoom=True)).parent
        seen = {image.sha256 for request in model.requests for image in request.conversation.images}
        assert {hashlib.sha256(p.read_bytes()).hexdigest() for p in (view / "images").iterdir()} == seen
        assert all(row[10] == 2 for row in index_data(view)["rows"])
        assert "Zooming by task" in (view / "index.html").read_text(encoding="utf-8")

    def test_crops_are_cut_as_the_model_got_them(self, run: Path) -> None:
        trace = episode()
        add_trace(run, "pu-en", trace)
        view = write_view(run).parent
        page = pages(view)["pu-en"]
        crops = re.findall(r'<img src="\.\./(images/[^"]+)"[^>]*alt="Crop of zoom (\d)', page)
        assert [number for _, number in crops] == ["1", "2"]
        whole = Image.open(Path(run.parents[1]) / "drawn" / "images" / "en.png").convert("RGB")
        for (path, _), call in zip(crops, trace.calls, strict=False):
            assert call.executed is not None
            assert call.sent_size is not None
            box = [int(v) for v in call.executed.as_list()]
            cut = whole.crop((box[0], box[1], box[2], box[3])).resize(call.sent_size, Image.Resampling.LANCZOS)
            assert (view / path).read_bytes() == encode(cut, call.sent_size).data
        first = Image.open(io.BytesIO((view / crops[0][0]).read_bytes())).convert("RGB")
        assert sum(abs(a - b) for a, b in zip(centre(first), RED, strict=True)) < 20

    def test_the_episode_is_told(self, run: Path) -> None:
        add_trace(run, "pu-en", episode())
        made = pages(write_view(run).parent)
        for words in (
            "Model, turn 3",
            "It must be the first panel.",
            "empty box",
            "[30, 40, 330, 320] in page pixels",
            "3, of which 2 returned a crop",
            "wrote an answer before it looked",
            "Reasoning in &lt;think&gt; tags",
            "crop 1",
        ):
            assert words in made["pu-en"], words
        assert "Model, turn" not in made["ar-en"]

    def test_rows_tell_who_zoomed(self, run: Path) -> None:
        add_trace(run, "pu-en", episode())
        add_trace(run, "ar-en", episode().model_copy(update={"calls": ()}))
        rows = index_data(write_view(run).parent)["rows"]
        assert {row[0]: row[10] for row in rows} == {"pu-en": 3, "ar-en": 0, "pr-en": 0, "cc-en": 0}

    def test_a_crop_outside_the_page_is_not_cut(self, run: Path) -> None:
        trace = episode()
        far = trace.calls[0].model_copy(update={"executed": Box(x1=0, y1=0, x2=1e9, y2=1e9)})
        add_trace(run, "pu-en", trace.model_copy(update={"calls": (far,)}))
        page = pages(write_view(run).parent)["pu-en"]
        assert "Crops that cannot be cut, as the journal has them: 1" in page

    def test_crops_show_the_marks(self, run: Path) -> None:
        trace = episode()
        box = PANELS[BLUE]
        call = trace.calls[0].model_copy(update={"executed": box, "sent_size": (int(box.width), int(box.height))})
        add_trace(run, "ar-en", trace.model_copy(update={"calls": (call,)}))
        view = write_view(run).parent
        (path,) = re.findall(r'<img src="\.\./(images/[^"]+)"[^>]*alt="Crop', pages(view)["ar-en"])
        colours = Image.open(view / path).convert("RGB").getcolors(10**6) or []
        # A plain panel would be blue alone, but for the noise of its encoding.
        assert sum(count for count, colour in colours if sum(map(abs, diff(colour, BLUE))) > 100) > 500


def centre(image: Image.Image) -> Any:
    return image.getpixel((image.width // 2, image.height // 2))


def diff(one: Any, other: tuple[int, int, int]) -> list[int]:
    return [a - b for a, b in zip(one, other, strict=True)]


class TestHostile:
    @pytest.fixture
    def view(self, tmp_path: Path) -> Path:
        made = [
            s.model_copy(
                update={
                    "page": '"><img src=x><b>',
                    "question": HOSTILE,
                    "choices": (HOSTILE, *s.choices[1:]) if s.choices else None,
                    "source": "javascript:alert(1)",
                }
            )
            for s in samples()
        ]
        drawn = make_benchmark(tmp_path / "drawn", made)
        run = make_run(tmp_path, {**ANSWERS, "ar-en": HOSTILE, "cc-en": HOSTILE}, benchmark=drawn.folder)
        add_trace(run, "cc-en", episode(label=HOSTILE, text=HOSTILE))

        def spoil(line: dict[str, Any]) -> None:
            for key in ("reasoning", "model", "finish_reason", "reason", "extracted"):
                line[key] = HOSTILE
            if line["error"]:
                line["error"] |= {"message": HOSTILE, "cause": HOSTILE}

        edit_journal(run, spoil)
        return write_view(run).parent

    def test_no_markup_comes_from_a_run(self, view: Path) -> None:
        for page in [*pages(view).values(), (view / "index.html").read_text(encoding="utf-8")]:
            assert "<script>document" not in page
            assert "<img src=x" not in page
            assert '<a href="javascript' not in page
            assert 'href="javascript' not in page
            assert "\u202e" not in page
            assert "\x1b" not in page
            assert "\x00" not in page

    def test_the_index_has_one_block_of_data(self, view: Path) -> None:
        html = (view / "index.html").read_text(encoding="utf-8")
        assert html.count("</script>") == 2
        assert len(index_data(view)["rows"]) == 4


def test_huge_texts_are_shown_by_their_ends(run: Path) -> None:
    def lengthen(line: dict[str, Any]) -> None:
        line["text"] = "begin" + "x" * 5_000_000 + "end of it"

    edit_journal(run, lengthen)
    view = write_view(run).parent
    page = pages(view)["ar-en"]
    assert len(page) < 100_000
    assert "begin" in page
    assert "end of it" in page
    assert "characters are left out here" in page
    assert (view / "index.html").stat().st_size < 100_000


def test_many_samples_take_little_memory_in_the_index(run: Path) -> None:
    view = write_view(run).parent
    per_row = len(orjson.dumps(index_data(view)["rows"])) / 4
    assert per_row < 1000
