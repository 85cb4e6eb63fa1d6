"""Open questions for pages that carry none, written by a model and marked as such (paper, appendix D.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comic_eval.benchmark.questions.prepare import Settings
    from comic_eval.benchmark.questions.progress import Progress
    from comic_eval.benchmark.questions.session import Generation
    from comic_eval.contracts import Adapter
    from comic_eval.run.spec import Operation

__all__ = ["generate_questions"]


async def generate_questions(
    pages_folder: str | Path,
    out: str | Path,
    *,
    model: str | Adapter,
    coco: Sequence[str | Path] = (),
    mapping: str | Path | None = None,
    blind_model: str | Adapter | None = None,
    settings: Settings | None = None,
    adapter_settings: Mapping[str, Any] | None = None,
    blind_settings: Mapping[str, Any] | None = None,
    operation: Operation | None = None,
    cache_dir: str | Path = "runs/.cache",
    progress: Progress | None = None,
    arguments: Mapping[str, Any] | None = None,
    stop: asyncio.Event | None = None,
) -> Generation:
    """Writes open questions for the pages of a folder that carry none, or goes on where an earlier call stopped.

    Args:
        pages_folder: a folder in the format that `comic_eval.benchmark.build.sources` describes; it is not changed.
        out: becomes such a folder with the questions filled in once every panel was worked on; the work itself is in
            its folder ``generation``.
        coco: COCO-style files; ``pages_folder`` then holds the pictures, and ``out`` becomes a folder in our format.
        mapping: the file that says what the COCO files' categories and attributes mean.
        model: writes captions, questions and translations: ``provider:name``, or an adapter object.
        blind_model: tries to answer without the picture; by default the same model.
        settings: how many questions, attempts and pages; decoding settings.
        adapter_settings: keyword arguments of the model's adapter; ``blind_settings`` those of the other's.
        operation: limits, retries, time limits, cache.
        cache_dir: where answers are kept by content; by default that of the runs in ``runs``.
        progress: shows what goes on.
        arguments: recorded in the manifest as what the user passed.
        stop: ends the work when it is set; requests in flight are dropped and asked by the next call.

    Raises:
        UserError: a mistake in the arguments, pages with defects, a folder that is locked or another generation's, or a
            server that refuses every request.
    """
    from comic_eval.benchmark.questions.prepare import Settings, prepare
    from comic_eval.benchmark.questions.progress import Progress
    from comic_eval.benchmark.questions.session import run_generation
    from comic_eval.benchmark.questions.source import read_source
    from comic_eval.run.spec import Operation

    prepared = prepare(
        read_source(Path(pages_folder), [Path(path) for path in coco], Path(mapping) if mapping else None),
        settings or Settings(),
        model=model,
        blind_model=blind_model,
        adapter_settings=adapter_settings or {},
        blind_settings=blind_settings or {},
    )
    return await run_generation(
        prepared,
        Path(out),
        operation=operation or Operation(),
        cache_dir=Path(cache_dir),
        arguments=arguments or {},
        progress=progress or Progress(),
        stop=stop or asyncio.Event(),
    )
