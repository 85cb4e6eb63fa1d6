"""The process of `_llama_server`: a llama.cpp server on a free port, for as long as its parent lives.

Run as ``python -P -m comic_eval.model_adapters._llama_process MODEL.gguf ALIAS N_CTX N_THREADS``. Writes its address as
one line of JSON to stdout and ends when stdin does: however the parent ends, the kernel closes that pipe.
"""

from __future__ import annotations

import json
import os
import sys
import threading


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    # The server's own threads would outlive an orderly exit of this one.
    os._exit(0)


def main(path: str, alias: str, n_ctx: int, n_threads: int) -> None:
    """Loads the weights, serves, and waits."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.model_alias = {alias}
    params.n_ctx = n_ctx
    params.cpuparams.n_threads = n_threads
    params.cpuparams_batch.n_threads = n_threads
    params.n_parallel = 1
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.offline = True
    # Warnings and errors; every request would leave lines otherwise.
    params.verbosity = 1
    server = xllamacpp.Server(params)
    sys.stdout.write(json.dumps({"url": server.listening_address}) + "\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
