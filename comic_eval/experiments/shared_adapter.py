"""An adapter that several runs use one after the other."""

from __future__ import annotations

from comic_eval.contracts import Adapter, AdapterInfo, NamesItsModel, RunContext
from comic_eval.types import Generation, Request


class SharedAdapter:
    """Started by the first run, kept by every run, closed by `shut_down`: weights are loaded once."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._started = False

    @property
    def info(self) -> AdapterInfo:
        return self._adapter.info

    @property
    def served(self) -> str | None:
        """Which model the server has loaded, where the adapter tells (`comic_eval.contracts.NamesItsModel`)."""
        return self._adapter.served if isinstance(self._adapter, NamesItsModel) else None

    async def start(self, context: RunContext) -> None:
        if not self._started:
            self._started = True
            await self._adapter.start(context)

    async def generate(self, request: Request) -> Generation:
        return await self._adapter.generate(request)

    async def close(self) -> None:
        """Keeps it for the next run."""

    async def shut_down(self) -> None:
        """Closes it, if it was ever started."""
        if self._started:
            await self._adapter.close()
