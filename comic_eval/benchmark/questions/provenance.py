"""What the data card of a benchmark must say about questions that a model wrote."""

from __future__ import annotations

from collections.abc import Sequence

from comic_eval.benchmark.questions.job import Accepted
from comic_eval.benchmark.questions.report import Report
from comic_eval.benchmark.questions.spec import GenerationSpec
from comic_eval.run.redact import printable

FILE = "PROVENANCE.md"


def provenance(before: str | None, spec: GenerationSpec, report: Report, accepted: Sequence[Accepted]) -> str:
    """The pages folder's own ``PROVENANCE.md``, if it has one, followed by a section on the new questions.

    ``accepted`` holds at least one.
    """
    models = ", ".join(f"`{name}`" for name in sorted({_code(a.model) for a in accepted}))
    dates = sorted({a.date for a in accepted})
    when = dates[0] if len(dates) < 2 else f"{dates[0]} to {dates[-1]}"
    dropped = ", ".join(f"{f.name.replace('_', ' ')} {f.rejected}" for f in report.filters if f.rejected) or "none"
    section = f"""\
## Open questions written by a model

{report.accepted} open questions about panels were written by {models} (asked for as `{_code(spec.model)}`, family \
{_code(spec.family or "unknown")}) on {when}, from a crop and a caption of each panel, after the paper's appendix D.1; \
sha256 of the prompts: `{spec.prompts_sha256}`. A model of the same family is no fair judge of answers to them, and \
has an advantage in answering them.

Of {report.proposed} proposals these were dropped: {dropped}. {report.guessable} of those kept were answered right \
without the picture in at least half of {spec.blind_attempts} attempts by `{_code(spec.blind_model)}`, graded by \
`{spec.judge}`; they are marked guessable. Whether the answers are right was checked by no program: if nobody says \
below that they were checked by hand, they were not.
"""
    return section if before is None else f"{before.rstrip()}\n\n{section}"


def _code(text: str) -> str:
    return printable(text, 100).replace("`", "'")
