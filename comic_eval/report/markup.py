"""HTML that cannot be forgotten to escape: elements take text, and text is always escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from comic_eval.report.text import INVISIBLE, code_points, names, newlines, plain

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Html(str):
    """Markup made by this module; any other string is text."""

    __slots__ = ()


Child = str | int | Iterable["Html"] | None
Attribute = str | int | float | bool | None


def text(content: str) -> Html:
    """``content`` as escaped text, each run of invisible characters as a labelled mark."""
    parts: list[str] = []
    end = 0
    content = newlines(content)
    for found in INVISIBLE.finditer(content):
        parts.append(escape(content[end : found.start()]))
        parts.append(f'<span class="unseen" title="{escape(names(found[0]))}">{code_points(found[0])}</span>')
        end = found.end()
    parts.append(escape(content[end:]))
    return Html("".join(parts))


def element(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """One element. Strings among its children become text; None is left out.

    Attribute names lose a trailing underscore, and inner ones become hyphens: ``class_``, ``aria_label``. False and
    None leave an attribute out, True writes it bare.
    """
    opening = f"<{name}{''.join(_attribute(k, v) for k, v in attributes.items())}>"
    if name in VOID:
        return Html(opening)
    return Html(f"{opening}{join(*children)}</{name}>")


def join(*children: Child) -> Html:
    """The children one after the other, as inside an element."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str | int):
            parts.append(text(str(child)))
        else:
            parts.append(join(*child))
    return Html("".join(parts))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    written = f"{value:g}" if isinstance(value, float) else str(value)
    return f' {name}="{escape(plain(written))}"'
