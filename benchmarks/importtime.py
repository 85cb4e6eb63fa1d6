"""How long ``comic-eval --help`` takes, beside a bare interpreter, and which imports cost the most.

``python benchmarks/importtime.py --rounds 20``: both start in turn, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

HELP = [str(Path(sys.executable).with_name("comic-eval")), "--help"]
BARE = [sys.executable, "-c", "pass"]


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def slowest_imports(count: int) -> list[tuple[float, str]]:
    """Milliseconds that the import of each module took without what it imports itself, slowest first."""
    ran = subprocess.run([sys.executable, "-X", "importtime", *HELP], check=True, capture_output=True, text=True)
    rows = [line.removeprefix("import time:").split("|") for line in ran.stderr.splitlines() if "|" in line]
    return sorted(((int(own) / 1000, name.strip()) for own, _, name in rows[1:]), reverse=True)[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--top", type=int, default=8)
    arguments = parser.parse_args()
    seconds(HELP)
    pairs = [(seconds(HELP), seconds(BARE)) for _ in range(arguments.rounds)]
    ours, bare = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
    print(f"comic-eval --help {ours:6.0f} ms   bare python {bare:6.0f} ms   ratio {ours / bare:.1f}")
    for own, name in slowest_imports(arguments.top):
        print(f"{own:8.1f} ms  {name}")


if __name__ == "__main__":
    main()
