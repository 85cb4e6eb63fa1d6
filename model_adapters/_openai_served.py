"""Which model a server of one's own has loaded, as its ``/models`` tells: the name in a URL stays when weights change.

What the servers say there (vLLM and SGLang: ``root``, ``parent``, ``max_model_len``; llama.cpp: the file as the ``id``
and its ``meta`` with size and parameters) differs from model to model. LM Studio, Ollama and hosted services give no
more than a name, which tells nothing.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

TIMEOUT_S = 5.0
# ``created`` and vLLM's ``permission`` change with every start of one model.
_TELLING = ("root", "parent", "meta", "max_model_len")


def identity(raw: bytes, name: str) -> str | None:
    """sha256 of what ``/models`` says of the model called ``name``; None where it says nothing that tells models apart.

    A server of a single model, such as llama.cpp's, answers to every name.
    """
    try:
        listed = json.loads(raw)["data"]
        entries = {entry["id"]: entry for entry in listed}
    except (ValueError, TypeError, KeyError):
        return None
    entry = entries.get(name) or (listed[0] if len(listed) == 1 else None)
    if entry is None:
        return None
    told: dict[str, Any] = {key: entry[key] for key in _TELLING if entry.get(key) is not None}
    if not told:
        return None
    canonical = json.dumps({"id": entry["id"], **told}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
