"""What a judge of models said of an answer, as text: a judge's words are as untrusted as a model's."""

from __future__ import annotations

from comic_eval.report.conversation import passage
from comic_eval.report.markup import Child, Html, element, join
from comic_eval.types import Judgement

_BY = {"rule": "by rule, no model was asked", "model": "by a model", "panel": "by a panel of judges"}


def judged(judgement: Judgement) -> Html:
    """Verdict, reason and model of a judge, and of every member of a panel."""
    votes = [
        element("article", element("h3", f"Judge {number}"), _told(vote), class_="vote")
        for number, vote in enumerate(judgement.votes, 1)
    ]
    return element("section", element("h2", "Judge"), _told(judgement), *votes, class_="judged")


def _told(judgement: Judgement) -> Html:
    verdict = judgement.verdict.replace("_", " ").lower() if judgement.verdict else "none"
    rows: list[tuple[str, Child]] = [("Verdict", f"{verdict} ({_BY[judgement.by]})")]
    if judgement.reason:
        rows.append(("Reason", passage(judgement.reason)))
    rows.append(("Judge", element("bdi", judgement.judge)))
    if judgement.model:
        rows.append(("Model as returned", element("bdi", judgement.model)))
    if judgement.calls:
        cached = f", {judgement.cached} from the cache" if judgement.cached else ""
        unparsed = f", {judgement.unparsed} without a verdict" if judgement.unparsed else ""
        rows.append(("Calls", f"{judgement.calls}{cached}{unparsed}"))
    if judgement.cut:
        rows.append(("Seen", "the beginning of the answer only"))
    return element("dl", *(join(element("dt", name), element("dd", value)) for name, value in rows))
