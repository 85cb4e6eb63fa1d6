"""Makes a benchmark of annotated pages: sources, one module a task, and the assembly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from comic_eval.benchmark.annotations import Page
from comic_eval.benchmark.load import Benchmark

__all__ = ["build_benchmark", "build_from_pages"]

VERSION = "1.0"


def build_benchmark(
    pages_folder: str | Path,
    out_folder: str | Path,
    *,
    seed: int = 0,
    name: str | None = None,
    version: str = VERSION,
) -> Benchmark:
    """Builds the seven tasks from a folder of annotated pages and writes a benchmark folder.

    Args:
        pages_folder: a folder in the format that `comic_eval.benchmark.build.sources` describes.
        out_folder: new or empty, an older state of the same benchmark, or the pages folder itself if its images
            already lie where a benchmark has them (``images/LANGUAGE/PAGE.jpg``).
        seed: of everything that is drawn by lot; recorded in ``benchmark.json``.
        name: of the benchmark; the pages folder's own name if None.

    Raises:
        BenchmarkError: the pages have defects (all are listed), or the folder cannot be written.
    """
    from comic_eval.benchmark.build.sources import read_pages

    folder = Path(pages_folder)
    pages = read_pages(folder)
    return build_from_pages(
        pages, out_folder, name=name or folder.resolve().name, seed=seed, version=version, about=folder
    )


def build_from_pages(
    pages: Sequence[Page],
    out_folder: str | Path,
    *,
    name: str,
    seed: int = 0,
    version: str = VERSION,
    about: Path | None = None,
) -> Benchmark:
    """The same from pages that are already read, whatever format they came in.

    Args:
        about: a folder whose ``PROVENANCE.md`` and ``agreement.json`` the data card quotes.
    """
    from comic_eval.benchmark.build.assemble import build_samples
    from comic_eval.benchmark.build.card import attributions, write_card
    from comic_eval.benchmark.write import write_benchmark

    samples = build_samples(pages, seed)
    licenses = sorted({p.license for p in pages if p.license})
    license_name = licenses[0] if len(licenses) == 1 else "other"
    languages = sorted({p.language for p in pages})
    n_pages, n_questions = len({p.id for p in pages}), len({s.pair_id for s in samples})
    description = (
        f"Fine-grained comic understanding: {n_questions} questions of seven tasks over {n_pages} comic pages"
        f" ({', '.join(languages)}), built from page annotations after AI4VA-FG (arXiv:2511.06490)."
    )
    return write_benchmark(
        out_folder,
        name=name,
        version=version,
        license=license_name,
        description=description,
        samples=samples,
        images={p.image_name: p.image for p in pages},
        metadata={"seed": seed, "books": {p.id: p.book for p in pages}, "attribution": attributions(pages)},
        card=write_card(name, description, license_name, pages, samples, about or Path(out_folder), seed),
    )
