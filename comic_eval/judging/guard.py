"""Who may judge whom: no model grades itself unless that is allowed, and shared families are said aloud.

A judge tends to favour answers of its own family, and questions that a family wrote suit its members. The paper notes
the same of Gemini, which wrote questions and judged answers there.

Source: Panickssery et al. (2024), "LLM evaluators recognize and favor their own generations", arXiv:2404.13076.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from comic_eval.contracts import AdapterInfo, Judge
from comic_eval.errors import UserError
from comic_eval.judging.desk import infos_of
from comic_eval.judging.protocol import ModelJudge
from comic_eval.run.manifest import JudgePlan
from comic_eval.run.spec import model_settings
from comic_eval.types import Sample

AUTHOR_KEYS = ("question_family", "question_author")
_DATE = re.compile(r"(?:[-@](?:\d{4}-\d{2}-\d{2}|\d{2}-\d{2}|\d{8}|\d{4}|\d{3}|latest|preview|exp)|:(?:latest|free))+$")
# Names of models by the family that trains them; first match wins.
_FAMILIES = (
    ("gpt", r"gpt|chatgpt|openai|(?:^|[/: ])o\d(?:$|[-_ ])"),
    ("gemini", r"gemini|gemma"),
    ("qwen", r"qwen|qvq|qwq"),
    ("claude", r"claude|anthropic"),
    ("llama", r"llama|llava"),
    ("internvl", r"intern-?vl|internlm"),
    ("mistral", r"mistral|pixtral|magistral"),
    ("glm", r"glm-?\d"),
    ("grok", r"grok"),
    ("kimi", r"kimi"),
    ("minicpm", r"minicpm"),
    ("molmo", r"molmo|olmo"),
    ("deepseek", r"deepseek"),
    ("smollm", r"smol(?:lm|vlm)"),
)


def family(*names: str | None) -> str | None:
    """The family that a model or an author belongs to, from whatever names are known; None where none tells."""
    for name in names:
        if name:
            # The provider "openai" is any server that speaks its protocol.
            told = name.lower().removeprefix("openai:")
            found = next((f for f, pattern in _FAMILIES if re.search(pattern, told)), None)
            if found:
                return found
    return None


def same_model(one: str, other: str) -> bool:
    """Whether two ids name one model, whoever serves it and whatever snapshot is pinned."""

    def name(model: str) -> str:
        return _DATE.sub("", model.partition(":")[2].rpartition("/")[2].lower())

    return one == other or (bool(name(one)) and name(one) == name(other))


def _is_candidate(model: str, candidate: AdapterInfo) -> bool:
    """Whether a model wrote the answers, itself or in the run that is played again."""
    return any(same_model(model, str(c)) for c in (candidate.id, candidate.settings.get("replayed_model")) if c)


def check_judge(judge: Judge, candidate: AdapterInfo) -> None:
    """Keeps a model from grading itself.

    Raises:
        UserError: one of the judge's models is the evaluated one, and that was not allowed.
    """
    if not isinstance(judge, ModelJudge) or judge.allow_self_judge:
        return
    for info in infos_of(judge):
        if _is_candidate(info.id, candidate):
            raise UserError(
                f"judge {judge.id}: {info.id} would grade its own answers, and judges favour themselves. Choose "
                "another --judge, or say --allow-self-judge; tables then carry a note"
            )


def judge_notes(judge: Judge, candidate: AdapterInfo, samples: Iterable[Sample]) -> tuple[str, ...]:
    """What a reader of a judge's scores should know: who is of one family with whom."""
    infos = infos_of(judge)
    ours = family(candidate.family, candidate.id)
    judges = {info.id: family(info.family, info.id) for info in infos}
    said = {str(s.metadata[key]) for s in samples for key in AUTHOR_KEYS if s.metadata.get(key)}
    authors = sorted({found for author in said if (found := family(author))})
    notes = [f"the judge {name} is the evaluated model itself" for name in judges if _is_candidate(name, candidate)]
    notes += [
        f"the judge {name} and the evaluated model are of one family ({kind}), which may favour the model"
        for name, kind in judges.items()
        if kind and kind == ours and not _is_candidate(name, candidate)
    ]
    for wrote in authors:
        if wrote == ours:
            notes.append(f"questions were written by the evaluated model's family ({wrote}), which may favour it")
        notes += [
            f"questions were written by the family of the judge {name} ({wrote})"
            for name, kind in judges.items()
            if kind == wrote
        ]
    return tuple(dict.fromkeys(notes))


def judge_plan(judge: Judge, candidate: AdapterInfo, samples: Sequence[Sample]) -> JudgePlan:
    """The judge as a manifest holds it."""
    infos = infos_of(judge)
    graded = [s for s in samples if s.choices is None]
    return JudgePlan(
        id=judge.id,
        comparable=judge.comparable,
        models=tuple(info.id for info in infos),
        settings={info.id: model_settings(info) for info in infos},
        prompts=judge.prompts if isinstance(judge, ModelJudge) else {},
        self_judged=any(_is_candidate(info.id, candidate) for info in infos),
        notes=judge_notes(judge, candidate, graded),
    )
