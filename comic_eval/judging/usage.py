"""What a judge did over a whole run: calls, tokens, cost, verdicts, and how far a panel agreed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from pydantic import Field

from comic_eval.judging.agreement import cohen_kappa, fleiss_kappa
from comic_eval.types import Frozen, Judgement


class JudgeSummary(Frozen):
    """A judge's work.

    Attributes:
        graded: answers that it was given.
        by_rule: how many of them no model was asked about.
        undecided: how many it gave no verdict on; they are unscored.
        verdicts: number of each verdict.
        calls, cached, unparsed: see `Judgement`, added up.
        cut: answers of which it saw the beginning only.
        cost_usd: None where no price is known.
        models: ids of the models as their providers returned them -> answers graded.
        voted: answers that a panel's models were asked about and all members decided.
        fleiss_kappa: agreement of the panel's members (right or not) over those; None without a panel.
        pairwise_kappa: "judge & judge" -> Cohen's kappa over the answers that both decided.
    """

    graded: int
    by_rule: int
    undecided: int
    verdicts: dict[str, int]
    calls: int
    cached: int
    unparsed: int
    cut: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    models: dict[str, int] = Field(default_factory=dict)
    voted: int = 0
    fleiss_kappa: float | None = None
    pairwise_kappa: dict[str, float] = Field(default_factory=dict)


def summarize_judge(judgements: Sequence[Judgement]) -> JudgeSummary | None:
    """Adds up what a judge did; None where there is nothing."""
    if not judgements:
        return None
    asked = [j for j in judgements if j.calls]
    single = [vote for j in judgements for vote in (j.votes or (j,))]
    inputs = [j.usage.input_tokens for j in judgements if j.usage.input_tokens is not None]
    outputs = [j.usage.output_tokens for j in judgements if j.usage.output_tokens is not None]
    costs = [j.cost_usd for j in judgements if j.cost_usd is not None]
    panels = [j for j in asked if j.votes]
    full = [j for j in panels if all(v.verdict is not None for v in j.votes)]
    return JudgeSummary(
        graded=len(judgements),
        by_rule=len(judgements) - len(asked),
        undecided=sum(j.verdict is None for j in judgements),
        verdicts=dict(sorted(Counter(j.verdict for j in judgements if j.verdict).items())),
        calls=sum(j.calls for j in judgements),
        cached=sum(j.cached for j in judgements),
        unparsed=sum(j.unparsed for j in judgements),
        cut=sum(j.cut for j in judgements),
        input_tokens=sum(inputs) if inputs else None,
        output_tokens=sum(outputs) if outputs else None,
        cost_usd=sum(costs) if costs else None,
        models=dict(sorted(Counter(v.model for v in single if v.model).items())),
        voted=len(full),
        fleiss_kappa=fleiss_kappa([[v.verdict == "CORRECT" for v in j.votes] for j in full]),
        pairwise_kappa=_pairs(panels),
    )


def _pairs(panels: Sequence[Judgement]) -> dict[str, float]:
    found = {}
    for one, other in combinations(range(len(panels[0].votes) if panels else 0), 2):
        both = [(j.votes[one], j.votes[other]) for j in panels]
        decided = [(a.verdict == "CORRECT", b.verdict == "CORRECT") for a, b in both if a.verdict and b.verdict]
        kappa = cohen_kappa([a for a, _ in decided], [b for _, b in decided])
        if kappa is not None:
            found[f"{both[0][0].judge} & {both[0][1].judge}"] = kappa
    return found
