"""Panel Understanding drafts over the real pages."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import comic_eval
from comic_eval.benchmark.annotations import OpenQuestion, Page
from comic_eval.benchmark.build.balance import seeded
from comic_eval.benchmark.build.draft import Draft
from comic_eval.benchmark.build.panel_understanding import candidates
from comic_eval.benchmark.build.positions import Layout
from comic_eval.benchmark.build.sources import read_pages

SAMPLE = Path(comic_eval.__file__).parent / "data" / "pepper-carrot"


@cache
def pages() -> dict[tuple[str, str], Page]:
    return {(page.id, page.language): page for page in read_pages(SAMPLE)}


def drafts(page: Page, seed: int = 0) -> list[Draft]:
    return candidates(page, seeded(seed, page.id))


def test_every_question_becomes_a_draft_unless_its_panel_cannot_be_named() -> None:
    unnamed: Counter[str] = Counter()
    for page in pages().values():
        unnamed[page.id] += len(page.questions) - len(drafts(page))
    # The two pages with slanted, overlapping frames.
    assert +unnamed == {"pc_e04p03": 4, "pc_e06p04": 4}


def test_the_phrase_is_one_of_the_unambiguous_ones_of_the_target_panel() -> None:
    for (_, language), page in pages().items():
        layout = Layout(page.panels)
        for draft in drafts(page):
            (target,) = (region for region in draft.regions if region.target)
            panel = next(p for p in page.panels if p.id == target.label)
            assert target.box == panel.box
            assert draft.position is not None
            texts = {position.text[language]: position.kind for position in layout.positions(panel)}  # type: ignore[index]
            assert texts[draft.position] == draft.metadata["position_kind"]
            assert draft.position not in draft.question
            assert not draft.marks
            assert not draft.wrong
            assert len(draft.regions) == len(page.panels)


def test_both_languages_take_the_same_way_to_name_the_panel() -> None:
    for page_id in {page_id for page_id, _ in pages()}:
        english, french = drafts(pages()[page_id, "en"]), drafts(pages()[page_id, "fr"])
        assert [d.key for d in english] == [d.key for d in french]
        assert [d.metadata for d in english] == [d.metadata for d in french]
        assert [d.guessable for d in english] == [d.guessable for d in french]
        assert [d.regions for d in english] == [d.regions for d in french]


def test_all_kinds_of_phrases_occur_and_the_seed_decides() -> None:
    test_pages = [page for page in pages().values() if page.split == "test" and page.language == "en"]
    kinds = Counter(draft.metadata["position_kind"] for page in test_pages for draft in drafts(page))
    assert set(kinds) == {"page_ordinal", "page_last", "row_place", "row_end", "corner", "edge"}
    once, again, other = ([d for page in test_pages for d in drafts(page, seed)] for seed in (1, 1, 2))
    assert once == again
    assert [d.position for d in once] != [d.position for d in other]


def test_guessable_questions_and_their_author_are_passed_on() -> None:
    page = pages()["pc_e17p02", "en"]
    assert [draft.guessable for draft in drafts(page)] == [q.guessable for q in page.questions]
    assert {draft.metadata["question_author"] for draft in drafts(page)} == {"AI-assisted"}
    own = OpenQuestion(panel="p1", question="Who?", answer="Pepper.", facts=("Pepper",), author="human")
    (draft,) = drafts(page.model_copy(update={"questions": (own,)}))
    assert (draft.correct, draft.facts, draft.metadata["question_author"]) == ("Pepper.", ("Pepper",), "human")
