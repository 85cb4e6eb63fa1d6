"""Runs side by side on the same questions, or a refusal that says in what they differ."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

from comic_eval.errors import RunFolderError, UserError
from comic_eval.run.folder import JOURNAL
from comic_eval.run.journal import read_journal
from comic_eval.run.manifest import Manifest, TaskPlan, read_manifest
from comic_eval.run.record import Record
from comic_eval.types import Status

Pairing = Literal["sample", "language"]
ACROSS = ("benchmark", "split", "samples", "view", "budget", "judge")


class Answer(NamedTuple):
    """What comparing needs of a record."""

    sample_id: str
    task: str
    page: str
    status: Status
    right: bool
    extracted: str | None
    answer: str


@dataclass(frozen=True)
class Entrant:
    """A run that is compared.

    Attributes:
        name: of the run; of its folder's path where two runs have one name.
        questions: sample id (or pair id) -> its answers, one a repeat.
    """

    name: str
    folder: Path
    manifest: Manifest
    questions: Mapping[str, tuple[Answer, ...]]

    @property
    def done(self) -> int:
        return sum(map(len, self.questions.values()))

    @property
    def complete(self) -> bool:
        return self.done == self.manifest.planned

    @property
    def condition(self) -> str:
        """What the model was shown: a view, or how it zoomed."""
        return condition(self.manifest)

    def score(self, question: str) -> Fraction:
        """The share of its answers that are right. Failed, unparsed and unscored ones are not."""
        answers = self.questions[question]
        return Fraction(sum(a.right for a in answers), len(answers))


@dataclass(frozen=True)
class Field:
    """Runs of the same task and question are all asked for; ``questions`` is what they share, in order of id.

    Attributes:
        runs: the entrants, the first being the one that others are compared with.
        tasks: the tasks that are compared.
        questions: task -> keys that every run has answered.
        notes: what was left out, or differs without standing in the way.
    """

    runs: tuple[Entrant, ...]
    tasks: tuple[str, ...]
    questions: Mapping[str, tuple[str, ...]]
    pairing: Pairing
    across: tuple[str, ...]
    notes: tuple[str, ...]

    def plan(self, task: str) -> TaskPlan:
        return self.runs[0].manifest.tasks[task]

    def comparable(self, task: str) -> bool:
        """Whether the task's scores may stand beside those of an LLM judge."""
        return self.plan(task).kind != "open" or all(r.manifest.judge.comparable for r in self.runs)

    def page(self, question: str) -> str:
        return self.runs[0].questions[question][0].page


def condition(manifest: Manifest) -> str:
    """What a run shows its model: the view's name, ``zoom``, or what a probe replays."""
    spec = manifest.spec
    if spec.replay is not None:
        return f"{spec.replay.source} of {spec.replay.run}"
    return "zoom" if spec.zoom is not None else spec.view


def side_by_side(
    folders: Sequence[Path],
    *,
    tasks: Sequence[str] | None = None,
    across: Collection[str] = (),
    pairing: Pairing = "sample",
) -> Field:
    """Reads runs and finds the questions that all of them answered.

    Args:
        folders: of two or more runs.
        tasks: the tasks to compare; None for all.
        across: in what the runs may differ, of `ACROSS`. What is not named there is refused, except that tasks scored
            by different judges are left out.
        pairing: ``sample``, or ``language`` to pair the two languages of a question by their ``pair_id``.

    Raises:
        UserError: fewer than two runs, one run twice, an unknown name, or runs that must not be compared.
        RunFolderError: a run's files cannot be read.
    """
    if unknown := sorted(set(across) - set(ACROSS)):
        raise UserError(f"--across {', '.join(unknown)}: choose among {', '.join(ACROSS)}")
    if len(folders) < 2:
        raise UserError("comparing takes two or more runs")
    allowed = {*across, *(["language"] if pairing == "language" else [])}
    runs = _named([_read(folder, pairing) for folder in folders])
    if pairing == "language" and len({r.manifest.spec.language for r in runs}) == 1:
        raise UserError(
            f"all these runs asked in {runs[0].manifest.spec.language!r}, so there is nothing to pair by language. "
            "Name runs of both languages, or leave out --pair"
        )
    _refuse_differences(runs, allowed)
    shared = _shared_tasks(runs, tasks, allowed)
    notes = _notes(runs)
    judges = {r.manifest.judge.id for r in runs}
    if len(judges) > 1 and (judged := [t for t in shared if runs[0].manifest.tasks[t].kind == "open"]):
        titles = ", ".join(runs[0].manifest.tasks[t].title for t in judged)
        if "judge" in allowed:
            notes.append(f"CAUTION: {titles}: different judges ({', '.join(sorted(judges))}) decided what is right")
        else:
            shared = [t for t in shared if t not in judged]
            notes.append(
                f"left out: {titles}, judged by {', '.join(sorted(judges))}; --across judge compares all the same"
            )
    questions: dict[str, tuple[str, ...]] = {}
    for task in shared:
        questions[task], left_out = _common(runs, task, allowed)
        notes += left_out
    kept = tuple(task for task in shared if questions[task])
    if not kept:
        raise UserError("these runs share no question that could be compared" + "".join(f"; {n}" for n in notes))
    return Field(runs, kept, questions, pairing, tuple(sorted(allowed)), tuple(notes))


def _read(folder: Path, pairing: Pairing) -> Entrant:
    manifest = read_manifest(folder)
    digest = manifest.spec_digest[:12]
    last: dict[tuple[str, int], Answer] = {}
    for number, record in enumerate(read_journal(folder / JOURNAL), 1):
        if record.run != digest:
            raise RunFolderError(
                f"{folder / JOURNAL}, line {number}: belongs to run {record.run}, but this is run {digest}. "
                "The journal is another run's: put it back where it belongs"
            )
        name = record.sample_id if pairing == "sample" else record.pair_id or record.sample_id
        last[name, record.repeat] = _answer(record)
    questions: dict[str, tuple[Answer, ...]] = {}
    for (name, _), answer in sorted(last.items(), key=lambda entry: entry[0]):
        questions[name] = (*questions.get(name, ()), answer)
    if not questions:
        raise RunFolderError(f"{folder}: no sample of this run is finished yet, so there is nothing to compare")
    return Entrant(manifest.name, folder, manifest, questions)


def _answer(record: Record) -> Answer:
    right = record.status == "scored" and record.score == 1.0
    return Answer(
        record.sample_id, record.task, record.page, record.status, right, record.extracted, answer=record.answer
    )


def _named(runs: list[Entrant]) -> tuple[Entrant, ...]:
    if len({r.folder.resolve() for r in runs}) < len(runs):
        raise UserError("a run cannot be compared with itself: name each run once")
    names = [r.name for r in runs]
    return tuple(replace(r, name=str(r.folder)) if names.count(r.name) > 1 else r for r in runs)


_FIELDS: Mapping[str, tuple[Callable[[Entrant], str], Callable[[Entrant], str]]] = {
    # What must be equal, and how it is said.
    "benchmark": (
        lambda r: r.manifest.spec.benchmark.digest,
        lambda r: f"{r.manifest.spec.benchmark.name} {r.manifest.spec.benchmark.revision}",
    ),
    "split": (lambda r: r.manifest.spec.split, lambda r: r.manifest.spec.split),
    "language": (lambda r: r.manifest.spec.language, lambda r: r.manifest.spec.language),
    "view": (lambda r: r.condition, lambda r: r.condition),
    "budget": (lambda r: str(r.manifest.spec.budget), lambda r: f"{r.manifest.spec.budget:,} visual tokens"),
}


def _refuse_differences(runs: Sequence[Entrant], allowed: Collection[str]) -> None:
    found = []
    for field, (key, words) in _FIELDS.items():
        if field not in allowed and len({key(r) for r in runs}) > 1:
            found.append(f"{field}: " + ", ".join(f"{r.name} {words(r)}" for r in runs))
    if found:
        names = [f.partition(":")[0] for f in found]
        ways = ["--pair language"] * ("language" in names)
        if others := [name for name in names if name != "language"]:
            ways.append(f"--across {','.join(others)}")
        raise UserError(
            f"these runs differ in what they were asked. {'; '.join(found)}. To compare them all the same, say "
            f"{' '.join(ways)}"
        )


def _shared_tasks(runs: Sequence[Entrant], wanted: Sequence[str] | None, allowed: Collection[str]) -> list[str]:
    everywhere = [t for t in runs[0].manifest.tasks if all(t in r.manifest.tasks for r in runs)]
    anywhere = sorted({t for r in runs for t in r.manifest.tasks})
    if wanted is not None:
        if missing := [t for t in wanted if t not in everywhere]:
            raise UserError(
                f"task {', '.join(missing)}: not in all of these runs; they share: {', '.join(everywhere) or 'none'}"
            )
        return [t for t in everywhere if t in wanted]
    # A view leaves out the tasks that it cannot show, so runs of several views have different tasks.
    if not {"samples", "view"} & set(allowed) and len(everywhere) < len(anywhere):
        missing = [t for t in anywhere if t not in everywhere]
        raise UserError(
            f"not all of these runs asked {', '.join(missing)}. Name the tasks to compare with --tasks "
            f"{','.join(everywhere) or 'TASK'}, or say --across samples to compare what they share"
        )
    return everywhere


def _common(runs: Sequence[Entrant], task: str, allowed: Collection[str]) -> tuple[tuple[str, ...], list[str]]:
    title = runs[0].manifest.tasks[task].title
    names = [{q for q, answers in r.questions.items() if answers[0].task == task} for r in runs]
    common, union = set.intersection(*names), set.union(*names)
    notes = []
    if len(common) < len(union):
        if "samples" not in allowed:
            counts = ", ".join(f"{r.name} {len(n)}" for r, n in zip(runs, names, strict=True))
            unfinished = [r.name for r in runs if not r.complete]
            finish = f" {', '.join(unfinished)}: not complete; the call that made it goes on." if unfinished else ""
            raise UserError(
                f"{title}: these runs answered different questions ({counts}; {len(common)} in common).{finish} "
                "To compare what they share, say --across samples"
            )
        notes.append(f"{title}: {len(union) - len(common)} questions left out that not every run answered")
    if runs[0].manifest.tasks[task].kind != "open":
        same = {q for q in common if len({r.questions[q][0].answer for r in runs}) == 1}
        if len(same) < len(common):
            notes.append(f"{title}: {len(common) - len(same)} questions left out whose right answers differ")
        common = same
    return tuple(sorted(common)), notes


def _notes(runs: Sequence[Entrant]) -> list[str]:
    """Differences that a comparison may be about, and states that a reader should know."""
    notes = []
    specs = [r.manifest.spec for r in runs]
    for words, values in (
        ("decoding settings", [s.params.model_dump_json() for s in specs]),
        ("system prompts", [str(s.system) for s in specs]),
        ("answers a question", [str(s.repeats) for s in specs]),
        ("zoom settings", [str(s.zoom) for s in specs if s.zoom is not None]),
    ):
        if len(set(values)) > 1:
            shown = ": " + ", ".join(f"{r.name} {v}" for r, v in zip(runs, values, strict=True))
            notes.append(f"these runs have different {words}{shown if words == 'answers a question' else ''}")
    same_questions = len({(s.language, s.view, s.benchmark.digest) for s in specs}) == 1
    planned = len({r.manifest.sample_ids_sha256 for r in runs}) == 1
    if same_questions and planned and len({r.manifest.prompts_sha256 for r in runs}) > 1:
        notes.append("these runs asked in different words (prompts_sha256 differs)")
    notes += [f"INCOMPLETE: {r.name}: {r.done} of {r.manifest.planned} answers" for r in runs if not r.complete]
    return notes
