"""A llama.cpp server in a process of its own, so that neither its crash nor ours takes the other along unseen."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from pathlib import Path

from comic_eval.errors import UserError

from ._process import end_process

KILL_AFTER_S = 5.0
LOG_TAIL = 500


class LlamaServer:
    """Starts and ends one server.

    Args:
        weights: a GGUF file.
        alias: the model id that it returns.
        n_ctx: tokens of prompt and answer together.
        n_threads: two threads on a busy machine are many times slower than one.
        start_timeout_s: longest wait for the weights to load.
    """

    def __init__(self, weights: Path, alias: str, *, n_ctx: int, n_threads: int, start_timeout_s: float) -> None:
        self._arguments = [str(weights), alias, str(n_ctx), str(n_threads)]
        self._start_timeout_s = start_timeout_s
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> str:
        """Starts the server and waits until it answers; returns its base URL, ``http://127.0.0.1:PORT/v1``.

        Raises:
            UserError: it ended or did not get ready in time; holds the end of its log.
        """
        await self.stop()
        with tempfile.TemporaryFile() as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                f"{__package__}._llama_process",
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                # Ctrl-C in a terminal reaches all of its processes; this one must still answer what is in flight.
                start_new_session=True,
            )
            try:
                async with asyncio.timeout(self._start_timeout_s):
                    return await self._address() + "/v1"
            except (TimeoutError, EOFError) as error:
                await self.stop()
                log.seek(0)
                tail = log.read().decode("utf-8", "replace")[-LOG_TAIL:]
                why = f"not ready within {self._start_timeout_s:g} s" if isinstance(error, TimeoutError) else "it ended"
                raise UserError(f"the llama.cpp server did not start ({why}). The end of its log:\n{tail}") from None
            except BaseException:
                # Cancelled: nobody else would end the process.
                await self.stop()
                raise

    async def _address(self) -> str:
        assert self._process is not None  # noqa: S101 - set by the only caller
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        while line := await self._process.stdout.readline():
            with contextlib.suppress(ValueError, TypeError, KeyError):
                return str(json.loads(line)["url"])
        raise EOFError

    async def stop(self) -> None:
        """Ends the server, politely first; does nothing if there is none."""
        process, self._process = self._process, None
        if process is not None:
            await end_process(process, KILL_AFTER_S)
