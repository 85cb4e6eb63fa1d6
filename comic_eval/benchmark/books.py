"""Which book a page belongs to: pages of one book share characters and style, and are no independent samples."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from comic_eval.benchmark.load import Benchmark
from comic_eval.errors import BenchmarkError, UserError

# Key of benchmark.json: page -> book. Imported samples may have a column ``book`` instead.
BOOKS = "books"
BOOK = "book"
WAY_OUT = "Say how a page's id tells it with --book-pattern, such as --book-pattern '^(?P<book>.+)-\\d+$'"


def book_of_page(benchmarks: Sequence[Benchmark]) -> Callable[[str], str]:
    """Looks up the book of a page, in ``benchmark.json`` or in the samples' own column ``book``.

    Raises:
        BenchmarkError: (when called) the benchmarks do not say.
    """
    books: dict[str, str] = {}
    for benchmark in benchmarks:
        stated = benchmark.metadata.get(BOOKS)
        books |= {str(k): str(v) for k, v in stated.items()} if isinstance(stated, dict) else {}
        books |= {s.page: str(s.metadata[BOOK]) for s in benchmark.samples if s.metadata.get(BOOK) is not None}
    names = ", ".join(dict.fromkeys(b.name for b in benchmarks))

    def book(page: str) -> str:
        if page not in books:
            raise BenchmarkError(f"benchmark {names!r} does not say to which book page {page!r} belongs. {WAY_OUT}")
        return books[page]

    return book


def book_of_pattern(pattern: str) -> Callable[[str], str]:
    """Reads the book out of a page's id, with a regular expression that has a group ``book``.

    Raises:
        UserError: no regular expression, or without that group; (when called) a page that it does not match.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UserError(f"--book-pattern {pattern!r}: {error}") from error
    if BOOK not in compiled.groupindex:
        raise UserError(f"--book-pattern {pattern!r}: has no group (?P<book>...)")

    def book(page: str) -> str:
        found = compiled.search(page)
        if found is None or found[BOOK] is None:
            raise UserError(f"--book-pattern {pattern!r}: does not match page {page!r}")
        return found[BOOK]

    return book
