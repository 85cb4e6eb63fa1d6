"""A panel of judges: every member grades, more than half of all members decide.

``panel:JUDGE,JUDGE,...``, such as ``panel:llm:openai:gpt-5-mini,llm:gemini:gemini-2.5-flash,reference``. A member
without a verdict abstains. Where neither right nor wrong has more than half of the members the answer stays unscored.

Source: Verga et al. (2024), "Replacing judges with juries", arXiv:2404.18796: panels of models of several families.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from comic_eval.contracts import Adapter, Judge
from comic_eval.errors import PluginError
from comic_eval.judging.protocol import Desk, ModelJudge
from comic_eval.plugins import create_judge
from comic_eval.run.files import digest
from comic_eval.types import Judgement, Sample, Score, Usage


class JudgePanel:
    """Several judges that vote; see the module.

    Args:
        members: two or more judges with different ids.
    """

    def __init__(self, members: Sequence[Judge]) -> None:
        if len(members) < 2 or len({m.id for m in members}) < len(members):
            raise PluginError("a panel needs two or more different judges: panel:JUDGE,JUDGE,...")
        self._members = tuple(members)
        self._models = [m for m in members if isinstance(m, ModelJudge)]
        self.id = f"panel:{len(members)}-{digest([m.id for m in members])[:8]}({', '.join(m.id for m in members)})"
        self.comparable = all(m.comparable for m in members)
        self.adapters: tuple[Adapter, ...] = tuple(a for m in self._models for a in m.adapters)
        self.prompts = {k: v for m in self._models for k, v in m.prompts.items()}
        self.crop = any(m.crop for m in self._models)
        self.allow_self_judge = any(m.allow_self_judge for m in self._models)

    def bind(self, desk: Desk | None) -> None:
        """Hands over what the members ask with, or takes it back."""
        for member in self._models:
            member.bind(desk)

    async def grade(self, answer: str, sample: Sample) -> Score:
        """1.0 or 0.0 by the majority of all members; unscored (``judge_no_majority``) where there is none."""
        scores = await asyncio.gather(*(m.grade(answer, sample) for m in self._members))
        votes = tuple(_vote(m, s) for m, s in zip(self._members, scores, strict=True))
        ends = Counter(s.value for s in scores if s.value is not None)
        value, most = ends.most_common(1)[0] if ends else (None, 0)
        decided = value if most * 2 > len(scores) else None
        costs = [v.cost_usd for v in votes if v.cost_usd is not None]
        # A sum without the members whose prices are unknown would look like all of it.
        unpriced = any(v.cost_usd is None and v.model and v.calls > v.cached for v in votes)
        found = Judgement(
            judge=self.id,
            verdict=_verdict(decided, votes),
            by="panel",
            reason=" | ".join(v.reason for v in votes if v.reason and v.by == "model")[:1000] or None,
            calls=sum(v.calls for v in votes),
            cached=sum(v.cached for v in votes),
            unparsed=sum(v.unparsed for v in votes),
            usage=sum((v.usage for v in votes), Usage()),
            cost_usd=sum(costs) if costs and not unpriced else None,
            cut=any(v.cut for v in votes),
            votes=votes,
        )
        if decided is None:
            return Score(value=None, reason="judge_no_majority", judge=found)
        return Score(value=decided, reason="not_attempted" if found.verdict == "NOT_ATTEMPTED" else None, judge=found)


def _vote(member: Judge, score: Score) -> Judgement:
    if score.judge is not None:
        return score.judge
    verdict = None if score.value is None else "CORRECT" if score.value == 1.0 else "INCORRECT"
    return Judgement.model_validate({"judge": member.id, "verdict": verdict, "by": "rule", "reason": score.reason})


def _verdict(decided: float | None, votes: Sequence[Judgement]) -> Any:
    if decided is None or decided == 1.0:
        return None if decided is None else "CORRECT"
    silent = sum(v.verdict == "NOT_ATTEMPTED" for v in votes)
    return "NOT_ATTEMPTED" if silent * 2 > len(votes) else "INCORRECT"


def create(name: str = "", **settings: Any) -> JudgePanel:
    """The panel of the judges that ``name`` lists; settings go to every member that asks a model.

    Raises:
        PluginError: fewer than two judges are named, or one is unknown.
    """
    names = [part.strip() for part in name.split(",") if part.strip()]
    return JudgePanel([create_judge(n, **(settings if n.partition(":")[0] == "llm" else {})) for n in names])
