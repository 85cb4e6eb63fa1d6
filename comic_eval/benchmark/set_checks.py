"""What the samples must be like beside each other: pairs of languages, pages and splits, counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence

from comic_eval.benchmark.checks import WHOLE_NUMBER, boxes
from comic_eval.benchmark.columns import MixedTypesError, metadata_columns
from comic_eval.benchmark.defects import Defect, quoted
from comic_eval.benchmark.format import SAMPLES
from comic_eval.benchmark.info import INFO, BenchmarkInfo
from comic_eval.types import Sample

Numbered = Sequence[tuple[int, Sample]]
GUESSABLE = "_guessable"


def scored_split(split: str) -> str:
    """The split that a set kept apart belongs to: ``test`` for ``test_guessable``."""
    return split.removesuffix(GUESSABLE)


def check_pairs(samples: Numbered) -> Iterator[Defect]:
    """Samples with one ``pair_id`` are the same question in different languages."""
    pairs: dict[str, list[tuple[int, Sample]]] = defaultdict(list)
    for line, sample in samples:
        if sample.pair_id is None:
            continue
        if not sample.id.endswith(f"-{sample.language}"):
            message = f"{quoted(sample.id)} has a pair_id but does not end in -{sample.language}"
            yield _defect(line, "id", message, "end the id in the sample's language, or drop pair_id")
        pairs[sample.pair_id].append((line, sample))
    for pair_id, ((first_line, first), *others) in pairs.items():
        languages = {first.language: first_line}
        for line, sample in others:
            if sample.language in languages:
                message = f"{sample.language!r} stands in line {languages[sample.language]} of the same pair already"
                yield _defect(line, "language", message, f"give each language one sample of {quoted(pair_id)}")
            languages.setdefault(sample.language, line)
            for field in _differences(first, sample):
                message = f"differs from the pair's other sample in line {first_line}"
                yield _defect(line, field, message, "make both the same question, or drop pair_id")


def _differences(a: Sample, b: Sample) -> Iterator[str]:
    for field in ("task", "split", "page"):
        if getattr(a, field) != getattr(b, field):
            yield field
    if (a.choices is None) != (b.choices is None) or len(a.choices or ()) != len(b.choices or ()):
        yield "choices"
    elif (a.choices is not None or WHOLE_NUMBER.fullmatch(a.answer)) and a.answer != b.answer:
        yield "answer"
    if dict(boxes(a)) != dict(boxes(b)):
        yield "regions"


def check_pages(samples: Numbered) -> Iterator[Defect]:
    """A page has one picture a language, is one cluster under one id, and stands in one split."""
    picture = _First("image", "two pictures would make one cluster of two pages; give each page its own id")
    page = _First("page", "one picture under two ids splits a cluster; give it one page id")
    split = _First("split", "the page leaks across splits; move all its samples to one")
    for line, sample in samples:
        yield from picture.check((sample.page, sample.language), sample.image, line)
        yield from page.check(sample.image, sample.page, line)
        if sample.image_sha256 is not None:
            yield from page.check((sample.image_sha256,), sample.page, line)
        yield from split.check(sample.page, scored_split(sample.split), line)


class _First:
    """Remembers the first value that came with a key, and reports others, once for each key and value."""

    def __init__(self, field: str, fix: str) -> None:
        self.field, self.fix = field, fix
        self.first: dict[Hashable, tuple[str, int]] = {}
        self.reported: set[tuple[Hashable, str]] = set()

    def check(self, key: Hashable, value: str, line: int) -> Iterator[Defect]:
        known, at = self.first.setdefault(key, (value, line))
        if known != value and (key, value) not in self.reported:
            self.reported.add((key, value))
            what = quoted(key[0] if isinstance(key, tuple) else key)
            message = f"{quoted(value)} for {what}, which has {quoted(known)} in line {at}"
            yield _defect(line, self.field, message, self.fix)


def check_counts(samples: Numbered, info: BenchmarkInfo) -> Iterator[Defect]:
    """The numbers of ``benchmark.json`` are those of the file."""
    found = Counter(sample.split for _, sample in samples)
    for name, stated in info.splits.items():
        if stated is not None and stated != found[name]:
            message = f"says {stated} samples, but {SAMPLES} holds {found[name]}"
        elif not found[name]:
            message = f"names a split without samples in {SAMPLES}"
        else:
            continue
        yield Defect(file=INFO, field=f"splits.{name}", message=message, fix="correct the number, or the samples")


def check_columns(samples: Numbered) -> Iterator[Defect]:
    """Every key holds one type, so that `datasets` can load the file."""
    try:
        metadata_columns(sample.metadata for _, sample in samples)
    except MixedTypesError as error:
        message = f"{error}: `datasets` cannot load the file"
        yield Defect(file=SAMPLES, field="metadata", message=message, fix="use one type for the key")


def _defect(line: int, field: str, message: str, fix: str) -> Defect:
    return Defect(file=SAMPLES, line=line, field=field, message=message, fix=fix)
