"""Benchmarks: loading, checking, writing, statistics, and building them from page annotations."""

from comic_eval.benchmark.defects import Defect
from comic_eval.benchmark.load import Benchmark, bundled, load_benchmark, read_samples
from comic_eval.benchmark.validation import validate
from comic_eval.benchmark.write import write_benchmark

__all__ = ["Benchmark", "Defect", "bundled", "load_benchmark", "read_samples", "validate", "write_benchmark"]
