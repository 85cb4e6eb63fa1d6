"""``replay:RUN_FOLDER``: the answers of an earlier run, for scoring them again without a new request.

A sample that the run did not answer fails with the cause ``not_in_replay``. So does one that is now asked in other
words or shown other pictures than then: that answer belongs to another question.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pydantic import Field

from comic_eval.contracts import AdapterInfo, RunContext
from comic_eval.errors import PluginError, RequestError, RunFolderError
from comic_eval.run.folder import JOURNAL
from comic_eval.run.journal import read_journal
from comic_eval.run.manifest import FILE_NAME, read_manifest
from comic_eval.run.record import Record
from comic_eval.types import Frozen, Generation, Request, Usage

from ._settings import read_settings


class ReplaySettings(Frozen):
    """Settings of `create`.

    Attributes:
        view, budget: take only the answers that were given under them.
        repeat: which answer, where a sample was asked several times.
        same_question: False takes answers even if the prompt or the pictures have changed since. Scores are then those
            of another question; the adapter's note says so.
    """

    view: str | None = None
    budget: int | None = Field(default=None, gt=0)
    repeat: int = Field(default=0, ge=0)
    same_question: bool = True


class ReplayAdapter:
    """The model of an earlier run, as its journal remembers it."""

    def __init__(self, folder: Path, settings: ReplaySettings) -> None:
        self._folder = folder
        self._settings = settings
        manifest = read_manifest(folder)
        then = manifest.adapter
        note = f"answers of {then.id} from the run {manifest.name!r}"
        self._records: dict[str, list[Record]] = {}
        self._info = AdapterInfo(
            id=f"replay:{folder}",
            reads_images=then.reads_images,
            needs_images=then.needs_images and settings.same_question,
            family=then.family,
            note=note if settings.same_question else f"{note}, whatever was asked then",
            settings={
                "replayed_model": then.id,
                "replayed_spec": manifest.spec_digest,
                **settings.model_dump(exclude_none=True),
            },
            deterministic=True,
            native_tools=then.native_tools,
        )

    @property
    def info(self) -> AdapterInfo:
        return self._info

    async def start(self, context: RunContext) -> None:
        """Reads the journal. Of several lines about one thing the last counts; a torn last line is left out.

        Raises:
            RunFolderError: the journal is damaged.
        """
        self._records = await asyncio.to_thread(self._read)

    def _read(self) -> dict[str, list[Record]]:
        wanted = self._settings
        last = {
            record.key: record
            for record in read_journal(self._folder / JOURNAL)
            if record.repeat == wanted.repeat
            and wanted.view in (None, record.view)
            and wanted.budget in (None, record.budget)
        }
        found: dict[str, list[Record]] = {}
        for record in last.values():
            found.setdefault(record.sample_id, []).append(record)
        return found

    async def generate(self, request: Request) -> Generation:
        """The answer that was given then, with its tokens and its latency."""
        record = self._find(request)
        if record.text is None:
            cause = record.error.cause if record.error else "unknown"
            raise _missing(f"{record.sample_id} failed in the replayed run (cause: {cause})")
        known = {k: v for k, v in record.usage.items() if k in Usage.model_fields}
        return Generation(
            text=record.text,
            finish_reason=record.finish_reason,
            model=record.model,
            usage=Usage(**known),
            latency_s=record.latency_s,
            reasoning=record.reasoning,
        )

    def _find(self, request: Request) -> Record:
        sample = request.question.id
        records = self._records.get(sample, [])
        if not records:
            raise _missing(f"{sample} is not in the replayed run")
        if self._settings.same_question:
            prompt = "\n".join(m.text for m in request.conversation.messages)
            images = [i.sha256 for i in request.conversation.images]
            records = [r for r in records if r.prompt == prompt and [i.sha256 for i in r.images] == images]
            if not records:
                raise _missing(f"{sample} was asked in other words or shown other pictures in the replayed run")
        if len(records) > 1:
            kinds = ", ".join(sorted(f"view {r.view} at budget {r.budget}" for r in records))
            raise _missing(f"{sample} has several answers in the replayed run ({kinds}): set view or budget")
        return records[0]

    async def close(self) -> None:
        """Forgets the answers."""
        self._records = {}


def _missing(message: str) -> RequestError:
    return RequestError(message, cause="not_in_replay")


def _run_folder(name: str) -> Path:
    folder = Path(name)
    if folder.exists():
        return folder
    # A bare name is looked for where runs lie by default.
    around = folder.parent if folder.parent != Path() else Path("runs")
    if (around / folder.name / FILE_NAME).is_file():
        return around / folder.name
    known = sorted(path.parent.name for path in around.glob(f"*/{FILE_NAME}"))[:20]
    there = f"there are: {', '.join(known)}" if known else "there are none"
    raise RunFolderError(f"replay: no run {name[:200]!r} ({around} was searched; {there}). Write replay:runs/NAME")


def create(name: str, **settings: Any) -> ReplayAdapter:
    """Makes the adapter of ``replay:RUN_FOLDER``.

    Raises:
        PluginError: no folder is named, or a wrong setting.
        RunFolderError: the folder is no run; the message lists those that lie where it was looked for.
    """
    if not name:
        raise PluginError("replay: the run folder is missing; write replay:runs/NAME")
    return ReplayAdapter(_run_folder(name), read_settings(ReplaySettings, "replay", settings))
