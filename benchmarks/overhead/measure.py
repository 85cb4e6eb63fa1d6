"""How much comic-eval costs on top of the requests themselves, measured against a bare client.

From the root of a checkout, ``python -m benchmarks.overhead.measure --out results.json`` runs, in turn and several
times, the floor (a bare aiohttp client that posts recorded bodies) and `comic-eval run` over the same 1,000
multiple-choice samples at concurrency 32, against a loopback server with 0 ms and with 200 ms latency. The floor posts
the very bytes that comic-eval sent. What is reported are medians over the rounds; the ratio is taken within each round.

``span`` is the time from the first request's arrival to the last answer, seen by the server; ``wall`` is the whole
command, start-up included.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.overhead import workload

HERE = Path(__file__).resolve().parent
COMIC_EVAL = str(Path(sys.executable).with_name("comic-eval"))
MARKED, PLAIN = "marked", "plain"


@dataclass(frozen=True)
class Measurement:
    """One command over ``samples`` samples; times in seconds, memory in MiB."""

    samples: int
    wall_s: float
    span_s: float
    cpu_s: float
    peak_rss_mib: float
    log_mb: float = 0.0

    @property
    def rate(self) -> float:
        """Samples a second while requests were running."""
        return self.samples / self.span_s


@contextmanager
def server(latency: float = 0.0, record: Path | None = None) -> Iterator[str]:
    """A server process; yields its address."""
    command = [sys.executable, str(HERE / "server.py"), "--latency", str(latency)]
    command += ["--record", str(record)] if record else []
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


def timed(command: list[str], address: str, samples: int) -> Measurement:
    """Runs one client to its end and asks the server what it saw."""
    urllib.request.urlopen(urllib.request.Request(f"{address}/reset", method="POST")).close()  # noqa: S310
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        raise RuntimeError(f"{command[:3]} ended with {process.returncode}: {output.decode()[-2000:]}")
    with urllib.request.urlopen(f"{address}/stats") as response:  # noqa: S310
        seen = json.load(response)
    if seen["requests"] != samples:
        raise RuntimeError(f"the server saw {seen['requests']} requests, not {samples}")
    return Measurement(
        samples=samples,
        wall_s=wall,
        span_s=seen["last"] - seen["first"],
        cpu_s=used.ru_utime + used.ru_stime,
        peak_rss_mib=used.ru_maxrss / 1024,
    )


class Bench:
    """The folders of one session of measuring, and the two clients."""

    def __init__(self, folder: Path, concurrency: int) -> None:
        self.folder = folder
        self.concurrency = concurrency
        self.runs = folder / "runs"
        self._count = 0

    def workload(self, kind: str, samples: int) -> Path:
        folder = self.folder / f"{kind}-{samples}"
        if not folder.exists():
            workload.build(folder, count=samples, marked=kind == MARKED)
        return folder

    def floor(self, address: str, bodies: Path, samples: int) -> Measurement:
        command = [sys.executable, str(HERE / "floor.py"), f"{address}/v1/chat/completions", str(bodies)]
        command += ["--concurrency", str(self.concurrency), "--total", str(samples)]
        return timed(command, address, samples)

    def ours(
        self, address: str, kind: str, samples: int, *, limit: int | None = None, cold: bool = False
    ) -> Measurement:
        """One `comic-eval run` under a new name and without the response cache; ``cold`` forgets the drawn images."""
        if cold:
            shutil.rmtree(self.runs, ignore_errors=True)
        self._count += 1
        name = f"run-{self._count}"
        command = [COMIC_EVAL, "run", "--model", "openai:mock", "--base-url", f"{address}/v1"]
        command += ["--benchmark", str(self.workload(kind, samples)), "--split", "test", "--no-cache"]
        command += ["--concurrency", str(self.concurrency), "--name", name, "--runs-dir", str(self.runs)]
        command += ["--limit", str(limit)] if limit else []
        measured = timed(command, address, limit or samples)
        log = sum(p.stat().st_size for p in (self.runs / name).rglob("*") if p.is_file()) / 1e6
        return Measurement(**{**asdict(measured), "log_mb": log})


@dataclass(frozen=True)
class Row:
    """A scenario's medians over the rounds."""

    scenario: str
    samples: int
    rate: float
    floor_rate: float
    ratio: float
    wall_s: float
    cpu_ms: float
    startup_cpu_s: float
    floor_cpu_ms: float
    peak_rss_mib: float
    log_mb_per_500: float


def summarise(scenario: str, pairs: list[tuple[Measurement, Measurement]], startup_cpu_s: float) -> Row:
    """Medians over (ours, floor) pairs. ``cpu_ms`` includes start-up, which ``startup_cpu_s`` tells apart."""

    def median(value: Callable[[Measurement, Measurement], float]) -> float:
        return statistics.median(value(ours, floor) for ours, floor in pairs)

    return Row(
        scenario=scenario,
        samples=pairs[0][0].samples,
        rate=median(lambda ours, _: ours.rate),
        floor_rate=median(lambda _, floor: floor.rate),
        ratio=median(lambda ours, floor: ours.rate / floor.rate),
        wall_s=median(lambda ours, _: ours.wall_s),
        cpu_ms=median(lambda ours, _: ours.cpu_s / ours.samples * 1000),
        startup_cpu_s=startup_cpu_s,
        floor_cpu_ms=median(lambda _, floor: floor.cpu_s / floor.samples * 1000),
        peak_rss_mib=median(lambda ours, _: ours.peak_rss_mib),
        log_mb_per_500=median(lambda ours, _: ours.log_mb / ours.samples * 500),
    )


def title(kind: str, latency: float, cold: bool) -> str:
    return f"{kind}, {latency * 1000:.0f} ms, {'cold' if cold else 'warm'} images"


def compare(bench: Bench, kind: str, latency: float, samples: int, rounds: int, *, cold: bool) -> Row:
    """One scenario: records what comic-eval sends, then lets both clients run in turn."""
    bodies = bench.folder / f"bodies-{kind}"
    if not bodies.exists():
        bodies.mkdir()
        with server(record=bodies) as address:
            bench.ours(address, kind, samples)
    pairs = []
    with server(latency) as address:
        startup = bench.ours(address, kind, samples, limit=1).cpu_s
        for _ in range(rounds):
            floor = bench.floor(address, bodies, samples)
            pairs.append((bench.ours(address, kind, samples, cold=cold), floor))
    return summarise(title(kind, latency, cold), pairs, startup)


def growth(bench: Bench, small: int, large: int, rounds: int) -> dict[str, Any]:
    """Memory and time a sample at two sizes, 0 ms, warm: neither should depend on the size."""
    found: dict[str, Any] = {}
    with server() as address:
        for samples in (small, large):
            bench.ours(address, MARKED, samples)  # draws the images
            runs = [bench.ours(address, MARKED, samples) for _ in range(rounds)]
            found[str(samples)] = {
                "cpu_ms_per_sample": statistics.median(m.cpu_s / m.samples * 1000 for m in runs),
                "ms_per_sample": statistics.median(m.span_s / m.samples * 1000 for m in runs),
                "peak_rss_mib": statistics.median(m.peak_rss_mib for m in runs),
                "wall_s": statistics.median(m.wall_s for m in runs),
                "log_mb_per_500": statistics.median(m.log_mb / m.samples * 500 for m in runs),
            }
    return found


def table(rows: list[Row]) -> str:
    columns = [
        "Scenario",
        "samples/s",
        "floor",
        "ratio",
        "CPU ms/sample",
        "of which start-up",
        "floor's CPU",
        "peak RSS MiB",
        "log MB/500",
        "wall s",
    ]
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
    body = [
        f"| {r.scenario} | {r.rate:.0f} | {r.floor_rate:.0f} | {r.ratio:.2f} | {r.cpu_ms:.1f} "
        f"| {r.startup_cpu_s * 1000 / r.samples:.1f} | {r.floor_cpu_ms:.1f} | {r.peak_rss_mib:.0f} "
        f"| {r.log_mb_per_500:.2f} | {r.wall_s:.1f} |"
        for r in rows
    ]
    return "\n".join([head, *body])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=1000, help="a multiple of 50")
    parser.add_argument("--large", type=int, default=10_000, help="size of the growth test; 0 leaves it out")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--only", default="", metavar="TEXT", help="scenarios whose title holds this text")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    scenarios = [
        (PLAIN, 0.2, False),
        (MARKED, 0.2, False),
        (MARKED, 0.2, True),
        (PLAIN, 0.0, False),
        (MARKED, 0.0, False),
        (MARKED, 0.0, True),
    ]
    os.environ.setdefault("OPENAI_API_KEY", "none")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), arguments.concurrency)
        rows = []
        for kind, latency, cold in (s for s in scenarios if arguments.only in title(*s)):
            rows.append(compare(bench, kind, latency, arguments.samples, arguments.rounds, cold=cold))
            print(table(rows).splitlines()[-1], file=sys.stderr, flush=True)
        grown = growth(bench, arguments.samples, arguments.large, min(arguments.rounds, 3)) if arguments.large else {}
    print(table(rows))
    for samples, values in grown.items():
        print(f"{samples} samples: " + ", ".join(f"{name} {value:.2f}" for name, value in values.items()))
    if arguments.out:
        report = {"arguments": vars(arguments) | {"out": None}, "rows": [asdict(r) for r in rows], "growth": grown}
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
