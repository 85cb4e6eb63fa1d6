"""What a benchmark is pinned by: a digest over its identity and its samples, and a revision made of it."""

from __future__ import annotations

import hashlib

import orjson


def benchmark_digest(name: str, version: str, samples_sha256: str) -> str:
    """sha256 (hex) over the benchmark's name and version and the bytes of ``samples.jsonl``, given by their sha256.

    The samples name the sha256 of their images, so it pins these too. Description, licence and card may be corrected
    without making another benchmark of it.
    """
    identity = {"name": name, "samples_sha256": samples_sha256, "version": version}
    return hashlib.sha256(orjson.dumps(identity, option=orjson.OPT_SORT_KEYS)).hexdigest()


def revision(version: str, digest: str) -> str:
    """A short name of the exact state: version and the first 12 digits of the digest, ``1.0.0+0123456789ab``."""
    return f"{version}+{digest[:12]}"


def bytes_sha256(data: bytes) -> str:
    """sha256 of ``data``, in hex."""
    return hashlib.sha256(data).hexdigest()
