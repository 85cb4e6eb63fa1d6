"""Reads vLLM's source without importing it: classes, fields, signatures and flags, by their syntax alone."""

from __future__ import annotations

import ast
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Signature:
    """Parameters of a function without ``self``; ``open_ended``: it takes any keyword."""

    positional: tuple[str, ...]
    keywords: frozenset[str]
    required: frozenset[str]
    open_ended: bool


class Source:
    """The Python files of a wheel or of an unpacked folder."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._modules: dict[str, ast.Module] = {}

    @cached_property
    def _wheel(self) -> zipfile.ZipFile | None:
        return None if self._place.is_dir() else zipfile.ZipFile(self._place)

    def text(self, path: str) -> str | None:
        """A file by its path (``vllm/outputs.py``); None if there is none."""
        if self._wheel is None:
            file = self._place / path
            return file.read_text(encoding="utf-8") if file.is_file() else None
        try:
            return self._wheel.read(path).decode("utf-8")
        except KeyError:
            return None

    def paths(self) -> list[str]:
        if self._wheel is not None:
            return self._wheel.namelist()
        return [p.relative_to(self._place).as_posix() for p in self._place.rglob("*") if p.is_file()]

    def module(self, name: str) -> tuple[str, ast.Module] | None:
        """The file and the syntax tree of a module by its dotted name."""
        base = name.replace(".", "/")
        for path in (f"{base}.py", f"{base}/__init__.py"):
            if path not in self._modules and (text := self.text(path)) is not None:
                self._modules[path] = ast.parse(text)
            if path in self._modules:
                return path, self._modules[path]
        return None

    def resolve(self, module: str, name: str, depth: int = 0) -> tuple[str, ast.stmt] | None:
        """Where ``from module import name`` ends: the module and the statement that defines it."""
        found = self.module(module)
        if found is None or depth > 5:
            return None
        path, tree = found
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
                return module, node
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
                if isinstance(node.value, ast.Name):
                    return self.resolve(module, node.value.id, depth + 1)
                return module, node
            if isinstance(node, ast.ImportFrom) and any((a.asname or a.name) == name for a in node.names):
                original = next(a.name for a in node.names if (a.asname or a.name) == name)
                package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
                for _ in range(max(0, node.level - 1)):
                    package = package.rpartition(".")[0]
                target = ".".join(filter(None, [package if node.level else "", node.module or ""]))
                if (there := self.resolve(target, original, depth + 1)) is not None:
                    return there
        return None

    def class_of(self, module: str, name: str) -> tuple[str, ast.ClassDef] | None:
        found = self.resolve(module, name)
        return (found[0], found[1]) if found and isinstance(found[1], ast.ClassDef) else None

    def _bases(self, module: str, node: ast.ClassDef) -> list[tuple[str, ast.ClassDef]]:
        names = [b.id for b in node.bases if isinstance(b, ast.Name)]
        return [found for name in names if (found := self.class_of(module, name)) is not None]

    def fields(self, module: str, name: str) -> frozenset[str]:
        """Annotated attributes of a class and its bases: the keyword arguments of a dataclass or a struct."""
        found = self.class_of(module, name)
        return self._fields(*found) if found else frozenset()

    def _fields(self, module: str, node: ast.ClassDef) -> frozenset[str]:
        own = {s.target.id for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)}
        return frozenset(own).union(*(self._fields(*base) for base in self._bases(module, node)))

    def members(self, module: str, name: str) -> frozenset[str]:
        """Everything that an instance has: fields, methods, properties, and what ``__init__`` sets."""
        found = self.class_of(module, name)
        return self._members(*found) if found else frozenset()

    def _members(self, module: str, node: ast.ClassDef) -> frozenset[str]:
        own: set[str] = set()
        for statement in ast.walk(node):
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                own.add(statement.name)
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            if isinstance(statement, ast.AnnAssign):
                targets = [statement.target]
            for target in targets:
                if (
                    isinstance(target, ast.Attribute)
                    and isinstance(target.value, ast.Name)
                    and target.value.id == "self"
                ):
                    own.add(target.attr)
                elif isinstance(target, ast.Name):
                    own.add(target.id)
        return frozenset(own).union(*(self._members(*base) for base in self._bases(module, node)))

    def method(self, module: str, name: str, method: str) -> Signature | None:
        """A method's signature, inherited ones too."""
        found = self.class_of(module, name)
        return self._method(*found, method) if found else None

    def _method(self, module: str, node: ast.ClassDef, method: str) -> Signature | None:
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == method:
                return _signature(statement)
        for base in self._bases(module, node):
            if (found := self._method(*base, method)) is not None:
                return found
        return None

    def literal(self, module: str, name: str) -> tuple[object, ...]:
        """The values of ``name = Literal[...]``."""
        found = self.resolve(module, name)
        if found is None or not isinstance(found[1], ast.Assign) or not isinstance(found[1].value, ast.Subscript):
            return ()
        values = ast.literal_eval(found[1].value.slice)
        return values if isinstance(values, tuple) else (values,)


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Signature:
    arguments = node.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    optional = set(names[len(names) - len(arguments.defaults) :])
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
    positional = names if static else names[1:]
    only = [a.arg for a in arguments.kwonlyargs]
    needed = {a.arg for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is None}
    return Signature(
        positional=tuple(positional),
        keywords=frozenset([*positional, *only]),
        required=frozenset(p for p in positional if p not in optional) | needed,
        open_ended=arguments.kwarg is not None,
    )
