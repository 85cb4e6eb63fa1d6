"""Runs a command for as long as its parent lives, and ends it with all of its children.

Run as ``python -P -m comic_eval.model_adapters._vllm_process COMMAND ARGUMENTS...``. It ends the command when stdin
ends: however the parent ends, the kernel closes that pipe, and no server keeps the GPUs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE_S = 20.0


def _end(command: subprocess.Popen[bytes]) -> None:
    """Ends the command's process group, politely first."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(command.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.wait(GRACE_S)


def main(line: list[str]) -> int:
    """Runs the command; returns its exit status."""
    command = subprocess.Popen(line, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - the parent's own line

    def end_with_parent() -> None:
        sys.stdin.buffer.read()
        _end(command)

    threading.Thread(target=end_with_parent, daemon=True).start()
    status = command.wait()
    # A server that died alone may leave workers.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(command.pid, signal.SIGKILL)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    # Not sys.exit: the thread that reads stdin would be waited for.
    os._exit(main(sys.argv[1:]))
