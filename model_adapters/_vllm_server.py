"""A ``vllm serve`` of our own: started on a free port, waited for, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from typing import IO

from comic_eval.errors import UserError

from ._process import end_process

POLL_S = 0.2
KILL_AFTER_S = 30.0
DYING_S = 2.0
LOG_TAIL = 3000


class VllmServer:
    """Starts and ends one server.

    Args:
        executable: the ``vllm`` command.
        arguments: its arguments for a port.
        start_timeout_s: longest wait for it to answer.
    """

    def __init__(self, executable: str, arguments: Callable[[int], list[str]], *, start_timeout_s: float) -> None:
        self._executable = executable
        self._arguments = arguments
        self._start_timeout_s = start_timeout_s
        self._process: asyncio.subprocess.Process | None = None
        self._log: IO[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> str:
        """Starts the server and waits until it is healthy; returns its base URL, ``http://127.0.0.1:PORT/v1``.

        Raises:
            UserError: it ended or did not get ready in time; holds the end of its log.
        """
        await self.stop()
        port = _free_port()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            f"{__package__}._vllm_process",
            self._executable,
            *self._arguments(port),
            stdin=asyncio.subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            # Ctrl-C in a terminal reaches all of its processes; this one must still answer what is in flight.
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._start_timeout_s):
                while not await _healthy(port):
                    if self._process.returncode is not None:
                        raise EOFError
                    await asyncio.sleep(POLL_S)
        except (TimeoutError, EOFError) as error:
            slow = isinstance(error, TimeoutError)
            why = f"not ready within {self._start_timeout_s:g} s" if slow else f"status {self._process.returncode}"
            tail = self.log_tail()
            await self.stop()
            raise UserError(f"vllm serve did not start ({why}). The end of its log:\n{tail}") from None
        except BaseException:
            # Cancelled: nobody else would end the process.
            await self.stop()
            raise
        return f"http://127.0.0.1:{port}/v1"

    async def died(self) -> bool:
        """Whether the server is gone; one that breaks its connections is given a moment to end."""
        if self._process is None:
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DYING_S):
                await self._process.wait()
        return not self.running

    def log_tail(self) -> str:
        """The last lines that the server wrote."""
        if self._log is None:
            return ""
        # The server writes through the same open file, so its position must stay where it is.
        file = self._log.fileno()
        size = os.fstat(file).st_size
        return os.pread(file, LOG_TAIL, max(0, size - LOG_TAIL)).decode("utf-8", "replace")

    async def stop(self) -> None:
        """Ends the server, politely first; does nothing if there is none."""
        process, self._process = self._process, None
        log, self._log = self._log, None
        if process is not None:
            await end_process(process, KILL_AFTER_S)
        if log is not None:
            log.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _healthy(port: int) -> bool:
    """Whether ``GET /health`` answers 200."""
    try:
        async with asyncio.timeout(5.0):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                await writer.drain()
                line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return line.split()[1:2] == [b"200"]
