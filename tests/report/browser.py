"""A real browser for the tests of reports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def start_browser() -> Iterator[Browser]:
    """The system's Chromium; tests are skipped where there is none, but never in continuous integration."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("continuous integration has no chromium: .ci/run installs it")
        pytest.skip("no chromium here (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Watched:
    """A page whose console, errors, dialogs and requests are kept; `check` says that there was nothing to worry about.

    Args:
        page: of the browser.
        folder: the report's; nothing else may be loaded.
    """

    def __init__(self, page: Page, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.troubles: list[str] = []
        page.on("console", lambda message: self.troubles.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("dialog", self._asked)
        page.on("request", self._requested)
        page.on("requestfailed", lambda request: self.troubles.append(f"failed: {request.url}"))

    def _asked(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _requested(self, request: Request) -> None:
        if not request.url.startswith(self.folder.as_uri()):
            self.troubles.append(f"requested: {request.url}")

    def open(self, path: str) -> Page:
        """Opens a page of the report, anew even if only what follows the ``#`` differs."""
        self.page.goto("about:blank")
        self.troubles = [t for t in self.troubles if t != "requested: about:blank"]
        self.page.goto(f"{self.folder.as_uri()}/{path}")
        return self.page

    def check(self) -> None:
        assert self.troubles == []
