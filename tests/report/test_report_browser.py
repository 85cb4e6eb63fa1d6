"""Reports in a real browser: filters, keys, boxes in their places, phones, the dark, and hostile models."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from report.browser import Watched, start_browser
from report.made_runs import (
    ANSWERS,
    GREEN,
    HOSTILE,
    RED,
    add_trace,
    edit_journal,
    episode,
    make_benchmark,
    make_run,
    samples,
)

from comic_eval.report.write import write_view
from comic_eval.types import Sample

SAMPLES = ["pu-en", "ar-en", "pr-en", "cc-en"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports by name. Made before the browser starts, whose event loop suffers no other beside it."""
    return {
        "plain": plain_view(tmp_path_factory.mktemp("plain")),
        "many": many_view(tmp_path_factory.mktemp("many")),
        "hostile": hostile_view(tmp_path_factory.mktemp("hostile")),
    }


def plain_view(folder: Path) -> Path:
    run = make_run(folder)
    add_trace(run, "pu-en", episode())
    return write_view(run).parent


def many_view(folder: Path) -> Path:
    """250 more samples on the same page, so that the list comes in two parts."""
    action = samples()[1]
    made: list[Sample] = [action.model_copy(update={"id": f"ar-{i:03}-en"}) for i in range(250)]
    drawn = make_benchmark(folder / "drawn", made)
    answers = {s.id: "<answer>C</answer>" if i % 10 == 0 else "<answer>A</answer>" for i, s in enumerate(made)}
    return write_view(make_run(folder, answers, benchmark=drawn.folder)).parent


def hostile_view(folder: Path) -> Path:
    made = [s.model_copy(update={"question": HOSTILE, "source": "javascript:alert(1)"}) for s in samples()]
    drawn = make_benchmark(folder / "drawn", made)
    huge = "W" * 300_000
    run = make_run(folder, {**ANSWERS, "ar-en": HOSTILE, "cc-en": huge}, benchmark=drawn.folder)
    add_trace(run, "pu-en", episode(label=HOSTILE, text=HOSTILE))

    def spoil(line: dict[str, Any]) -> None:
        line["model"] = line["reasoning"] = HOSTILE
        line["extracted"] = HOSTILE if line["extracted"] else None

    edit_journal(run, spoil)
    return write_view(run).parent


@pytest.fixture(scope="module")
def browser(folders: dict[str, Path]) -> Iterator[Browser]:
    with start_browser() as started:
        yield started


class Open:
    """Opens reports; everything that was opened is checked at the end of the test."""

    def __init__(self, browser: Browser, folders: dict[str, Path]) -> None:
        self._browser = browser
        self._folders = folders
        self.watched: list[Watched] = []

    def __call__(self, name: str, path: str = "index.html", **context: Any) -> Page:
        page = self._browser.new_context(**{"viewport": {"width": 1300, "height": 900}} | context).new_page()
        watched = Watched(page, self._folders[name])
        self.watched.append(watched)
        return watched.open(path)


@pytest.fixture
def show(browser: Browser, folders: dict[str, Path]) -> Iterator[Open]:
    opened = Open(browser, folders)
    yield opened
    for watched in opened.watched:
        watched.check()
        watched.page.context.close()


def listed(page: Page) -> list[str]:
    return page.locator("#list .id").all_text_contents()


def option(page: Page, name: str, start: str) -> str:
    """The label of a select's option that begins with ``start``."""
    labels = page.locator(f"#{name} option").all_text_contents()
    (label,) = [label for label in labels if label.startswith(start)]
    return label


class TestIndex:
    def test_all_samples_and_their_counts(self, show: Open) -> None:
        page = show("plain")
        assert listed(page) == SAMPLES
        assert page.locator("#found").text_content() == "All 4 samples"
        segments = page.locator("#outcome button").all_text_contents()
        assert segments == ["All 4", "Right 1", "Wrong 1", "Unparsed 1", "Unscored 0", "Failed 1"]

    @pytest.mark.parametrize(
        ("outcome", "left"), [("Right", "pu-en"), ("Wrong", "ar-en"), ("Unparsed", "cc-en"), ("Failed", "pr-en")]
    )
    def test_outcomes(self, show: Open, outcome: str, left: str) -> None:
        page = show("plain")
        page.get_by_role("button", name=re.compile(f"^{outcome} ")).click()
        assert listed(page) == [left]
        assert page.locator("#found").text_content() == "1 of 4 samples"

    def test_tasks_zoom_and_language(self, show: Open) -> None:
        page = show("plain")
        page.locator("#task").select_option(label=option(page, "task", "Character Counting"))
        assert listed(page) == ["cc-en"]
        page.locator("#clear").click()
        page.locator("#zoom").select_option(label=option(page, "zoom", "Zoomed ("))
        assert listed(page) == ["pu-en"]
        page.locator("#zoom").select_option(label=option(page, "zoom", "Not zoomed ("))
        assert listed(page) == SAMPLES[1:]
        assert option(page, "language", "English") == "English (3)"
        # A filter's own counts say what each of its values would leave.
        assert option(page, "task", "Action") == "Action Recognition (1)"
        assert option(page, "task", "Panel Und") == "Panel Understanding (0)"

    def test_a_run_without_the_tool_has_no_filter_of_zooms(self, show: Open) -> None:
        page = show("many", "index.html#zoom=zoomed&outcome=right")
        assert page.locator("#found").text_content() == "25 of 250 samples"
        assert page.locator("#zoom").count() == 0
        page.locator("#clear").click()
        assert page.locator("#found").text_content() == "All 250 samples"

    def test_a_row_of_the_table_filters(self, show: Open) -> None:
        page = show("plain")
        page.locator("table").get_by_role("button", name="Action Recognition").click()
        assert listed(page) == ["ar-en"]

    def test_search(self, show: Open) -> None:
        page = show("plain")
        for words, left in [
            ("SLEEPS sits", ["ar-en"]),
            ("does what sleeps", ["pu-en"]),
            ("server said", ["pr-en"]),
            ("cc-en", ["cc-en"]),
            ("nothing like it", []),
        ]:
            page.locator("#search").fill(words)
            assert listed(page) == left, words

    def test_filters_stay_in_the_address(self, show: Open) -> None:
        page = show("plain")
        page.get_by_role("button", name=re.compile("^Wrong ")).click()
        page.locator("#search").fill("sits")
        page.wait_for_url(re.compile("#outcome=wrong&q=sits$"))
        page.reload()
        assert listed(page) == ["ar-en"]
        assert page.locator("#search").input_value() == "sits"

    def test_long_lists_come_in_parts(self, show: Open) -> None:
        page = show("many")
        assert page.locator("#list a").count() == 200
        page.locator("#more").scroll_into_view_if_needed()
        expect(page.locator("#list a")).to_have_count(250)
        expect(page.locator("#more")).to_be_hidden()

    def test_keys(self, show: Open) -> None:
        page = show("plain")
        focused = "document.activeElement.querySelector('.id')?.textContent"
        page.keyboard.press("j")
        assert page.evaluate(focused) == "pu-en"
        page.keyboard.press("j")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("k")
        assert page.evaluate(focused) == "ar-en"
        page.keyboard.press("/")
        page.keyboard.type("jar-e")
        assert page.locator("#search").input_value() == "jar-e"
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        assert listed(page) == SAMPLES
        page.keyboard.press("?")
        expect(page.locator("#help")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("samples/00000.html"))

    def test_keys_reach_beyond_the_first_part(self, show: Open) -> None:
        page = show("many")
        page.locator("#list a").nth(198).focus()
        for _ in range(3):
            page.keyboard.press("j")
        assert page.evaluate("document.activeElement.dataset.number") == "201"


class TestNavigation:
    def test_next_stays_among_the_filtered(self, show: Open) -> None:
        page = show("many", "index.html#outcome=right")
        assert page.locator("#found").text_content() == "25 of 250 samples"
        page.locator("#list a").nth(1).click()
        assert page.locator("h1").is_visible()
        assert page.locator("#place").text_content() == "2 of 25 filtered"
        assert page.locator(".id").first.text_content() == "ar-010-en"
        page.locator("#next").click()
        page.wait_for_url(re.compile("00020.html"))
        page.keyboard.press("j")
        page.wait_for_url(re.compile("00030.html"))
        page.keyboard.press("ArrowLeft")
        page.wait_for_url(re.compile("00020.html"))
        page.keyboard.press("u")
        page.wait_for_url(re.compile("index.html#outcome=right&at=20"))
        assert page.locator("#found").text_content() == "25 of 250 samples"
        assert page.evaluate("document.activeElement.dataset.number") == "20"

    def test_without_filters(self, show: Open) -> None:
        page = show("plain", "samples/00001.html")
        assert page.locator("#place").text_content() == "2 of 4"
        page.keyboard.press("k")
        page.wait_for_url(re.compile("00000.html"))
        assert page.locator("#previous").get_attribute("href") is None
        page.keyboard.press("k")
        assert "00000" in page.url

    def test_pages_work_without_scripts(self, show: Open) -> None:
        page = show("plain", "samples/00000.html", java_script_enabled=False)
        expect(page.locator(".stack img")).to_be_visible()
        expect(page.locator(".box.target .line")).to_be_visible()
        expect(page.get_by_text("Overlay on:")).to_be_visible()
        page.get_by_role("switch", name="As sent").check()
        expect(page.locator(".box.target .line")).to_be_hidden()
        expect(page.get_by_text("As sent: nothing is drawn over it.")).to_be_visible()
        page.locator("#next").click()
        assert page.locator(".id").first.text_content() == "ar-en"


def coloured(page: Page, colour: tuple[int, int, int]) -> tuple[float, float, float, float]:
    """Where the page's panel of a colour stands on the screen, in CSS pixels of the window."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    frame = page.locator(".stack").bounding_box()
    assert frame is not None
    left, top = int(frame["x"]), int(frame["y"])
    part = shot.crop((left, top, int(left + frame["width"]), int(top + frame["height"])))
    mask = Image.new("1", part.size)
    mask.putdata([sum(abs(a - b) for a, b in zip(p, colour, strict=True)) < 90 for p in pixels(part)])
    found = mask.getbbox()
    assert found is not None
    return found[0] + left, found[1] + top, found[2] + left, found[3] + top


def pixels(image: Image.Image) -> list[Any]:
    data = image.tobytes()
    return [tuple(data[i : i + 3]) for i in range(0, len(data), 3)]


def corners(page: Page, selector: str) -> tuple[float, float, float, float]:
    values = page.locator(selector).evaluate(
        "e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom] }"
    )
    return tuple(values)


class TestBoxes:
    @pytest.mark.parametrize("width", [1300, 390])
    def test_a_target_lies_on_its_panel(self, show: Open, width: int) -> None:
        page = show("plain", "samples/00000.html", viewport={"width": width, "height": 900})
        page.wait_for_timeout(100)
        page.locator(".stack").scroll_into_view_if_needed()
        box = corners(page, ".box.target .line")
        for _ in range(3):
            page.keyboard.press("b")
            if not page.locator(".box.target .line").is_visible():
                break
        assert not page.locator(".box.target .line").is_visible()
        assert coloured(page, RED) == pytest.approx(box, abs=2)

    def test_boxes_on_a_composite_lie_on_the_page_in_it(self, show: Open) -> None:
        page = show("plain", "samples/00002.html")
        page.get_by_role("checkbox", name="Other regions").check()
        box = corners(page, ".box.region .line")
        page.get_by_role("checkbox", name="Other regions").uncheck()
        assert coloured(page, GREEN) == pytest.approx(box, abs=2)

    def test_zooms_are_numbered_and_in_page_pixels(self, show: Open) -> None:
        page = show("plain", "samples/00000.html")
        page.wait_for_timeout(100)
        assert page.locator(".box .tag text").all_text_contents() == ["T1", "1", "2"]
        image = page.locator(".stack img").bounding_box()
        assert image is not None
        scale = image["width"] / 600
        asked = corners(page, ".box.requested[data-call='1'] .line")
        expected = (
            30 * scale + image["x"],
            40 * scale + image["y"],
            330 * scale + image["x"],
            320 * scale + image["y"],
        )
        assert asked == pytest.approx(expected, abs=1.5)
        tags = page.locator(".box .tag rect").evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")
        assert tags == pytest.approx([18] * 3, abs=0.5)

    def test_one_click_shows_the_picture_as_sent(self, show: Open) -> None:
        page = show("plain", "samples/00000.html")
        switch = page.get_by_role("switch", name="As sent")
        lines = page.locator(".box .line:visible")
        expect(page.get_by_text("Overlay on: the coloured boxes were not sent to the model.")).to_be_visible()
        switch.check()
        expect(lines).to_have_count(0)
        expect(page.locator(".box .tag:visible")).to_have_count(0)
        expect(page.get_by_text("As sent: nothing is drawn over it.")).to_be_visible()
        expect(page.get_by_text("Overlay on:")).to_be_hidden()
        page.keyboard.press("b")
        expect(switch).not_to_be_checked()
        expect(lines.first).to_be_visible()
        for layer in page.locator(".layers .layer input").all():
            layer.uncheck()
        expect(switch).to_be_checked()
        expect(page.get_by_text("As sent: nothing is drawn over it.")).to_be_visible()
        switch.uncheck()
        expect(page.locator(".box.target .line")).to_be_visible()

    def test_boxes_that_are_hidden_at_first_leave_the_picture_as_sent(self, show: Open) -> None:
        page = show("plain", "samples/00002.html")
        expect(page.get_by_role("switch", name="As sent")).to_be_checked()
        expect(page.get_by_text("As sent: nothing is drawn over it.")).to_be_visible()
        page.get_by_role("checkbox", name="Other regions").check()
        expect(page.get_by_role("switch", name="As sent")).not_to_be_checked()
        expect(page.locator(".box.region .line")).to_be_visible()

    def test_layers_can_be_switched(self, show: Open) -> None:
        page = show("plain", "samples/00000.html")
        for name, kind in (("Targets", "target"), ("Cut out", "executed"), ("Asked for", "requested")):
            expect(page.locator(f".box.{kind} .line").first).to_be_visible()
            page.get_by_role("checkbox", name=name).uncheck()
            expect(page.locator(f".box.{kind} .line").first).to_be_hidden()

    def test_a_zoom_lights_up_its_boxes(self, show: Open) -> None:
        page = show("plain", "samples/00000.html")
        page.locator("figure.zoom[data-call='2']").focus()
        expect(page.locator(".box.executed[data-call='2']").first).to_have_class(re.compile("lit"))
        expect(page.locator(".box.executed[data-call='1']").first).not_to_have_class(re.compile("lit"))

    def test_reasoning_is_folded(self, show: Open) -> None:
        page = show("plain", "samples/00000.html")
        expect(page.get_by_text("It must be the first panel.")).to_be_hidden()
        page.keyboard.press("r")
        expect(page.get_by_text("It must be the first panel.")).to_be_visible()
        expect(page.get_by_text("Closer still.")).to_be_visible()


class TestHostile:
    @pytest.mark.parametrize("path", ["index.html", *(f"samples/{i:05d}.html" for i in range(4))])
    def test_it_stays_text(self, show: Open, path: str) -> None:
        page = show("hostile", path)
        page.wait_for_timeout(200)
        shown = page.locator("body").inner_text()
        assert "<script>document.title='owned'</script><img src=x" in shown
        assert "U+202E" in shown
        assert page.title() != "owned"
        assert page.locator("img[src=x], a[href^='javascript']").count() == 0
        assert page.evaluate("document.scripts.length") == (2 if path == "index.html" else 1)

    def test_its_words_do_not_leave_their_place(self, show: Open) -> None:
        """Neither an override nor a long word moves what stands beside it."""
        for path in ("index.html", "samples/00000.html", "samples/00003.html"):
            page = show("hostile", path, viewport={"width": 390, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= 390

    def test_the_policy_stops_what_would_run(self, show: Open) -> None:
        page = show("plain", "samples/00000.html")
        ran = page.evaluate(
            """() => {
                const script = document.createElement("script");
                try { script.text = "document.title = 'owned'"; } catch { return "refused"; }
                document.body.append(script);
                return document.title;
            }"""
        )
        assert ran != "owned"
        # What the attempt left on the console is what it should leave.
        show.watched[-1].troubles.clear()


class TestScreens:
    @pytest.mark.parametrize("path", ["index.html", "samples/00000.html", "samples/00002.html"])
    def test_a_phone_does_not_scroll_sideways(self, show: Open, path: str) -> None:
        page = show("plain", path, viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360

    @pytest.mark.parametrize("path", ["index.html", "samples/00000.html"])
    def test_light_and_dark(self, show: Open, path: str) -> None:
        for scheme, dark in (("light", False), ("dark", True)):
            page = show("plain", path, color_scheme=scheme)
            assert (lightness(page, "body", "backgroundColor") < 0.5) == dark
            for selector in ("body", ".where", "h2", ".badge", "a", "summary"):
                ground = max(lightness(page, "body", "backgroundColor"), 0)
                ink = lightness(page, f"{selector} >> nth=0", "color")
                bright, faint = max(ink, ground), min(ink, ground)
                assert (bright + 0.05) / (faint + 0.05) >= 4.5, (scheme, selector)

    @pytest.mark.parametrize("path", ["index.html", "samples/00000.html"])
    def test_everything_has_a_name(self, show: Open, path: str) -> None:
        page = show("plain", path)
        assert page.locator("img:not([alt]), img[alt='']").count() == 0
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll("button, a[href], input, select")].filter((e) =>
                !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.[0]?.textContent.trim() ||
                  e.querySelector("img[alt]"))).length"""
        )
        assert unnamed == 0
        assert page.locator("h1").count() == 1
        assert page.locator("main").count() == 1


def lightness(page: Page, selector: str, name: str) -> float:
    """Relative luminance of a colour as WCAG defines it."""
    colour = page.locator(selector).first.evaluate("(e, name) => getComputedStyle(e)[name]", name)
    red, green, blue = (int(v) / 255 for v in re.findall(r"\d+", colour)[:3])
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
