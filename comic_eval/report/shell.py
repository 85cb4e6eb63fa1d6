"""The frame of every page of a report: what it may load and run, and nothing else.

Pages are opened from disk, where no server sends headers, so the policy stands in each page. No script runs but the one
whose digest the page names, and nothing is loaded but the report's own style sheet and pictures.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from comic_eval.report.markup import Child, Html, element, join

ASSETS = ("style.css", "index.js", "sample.js")
STYLE = "style.css"


@cache
def asset(name: str) -> str:
    """The text of one of `ASSETS`."""
    return files("comic_eval.report").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def policy(script: str) -> str:
    """The content security policy of a page with one inline script.

    ``file:`` stands beside ``'self'`` because pages opened from disk have no origin that ``'self'`` could match.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            "img-src 'self' file:",
            "style-src 'self' file:",
            f"script-src 'sha256-{digest}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def page(*body: Child, title: str, root: str, script: str, kind: str, **attributes: str | int) -> bytes:
    """A whole page as bytes.

    Args:
        body: its content.
        title: of the window; becomes text.
        root: relative path from the page to the report's folder, ``""`` or ``"../"``.
        script: name of the asset that runs at the end of the page.
        kind: class of the body.
        attributes: further attributes of the body.
    """
    code = asset(script)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy(code)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("link", rel="stylesheet", href=f"{root}{STYLE}"),
    )
    content = element("body", join(*body), element("script", Html(code)), class_=kind, **attributes)
    html = element("html", head, content, lang="en")
    return b"<!doctype html>\n" + html.encode("utf-8")
