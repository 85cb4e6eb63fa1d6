"""Compares every use that `comic_eval.model_adapters.vllm` makes of vLLM with vLLM's real source.

    make check-vllm                                         downloads the wheel of the version in constraints.txt
    python tests/vllm_source/check_vllm.py WHEEL_OR_FOLDER  checks one that is there

vLLM needs a GPU to be imported; its source does not. Found by syntax alone: modules and names that are imported,
arguments of constructors and methods, attributes that are read, flags of ``vllm serve``, fields of its HTTP API. A use
that this file has no rule for is an error, so that a new call cannot slip through.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from vllm_syntax import Signature, Source

ROOT = Path(__file__).parents[2]
ENGINE = "comic_eval.model_adapters._vllm_engine"
ARGS = ("vllm.engine.arg_utils", "AsyncEngineArgs")
FRONTEND = ("vllm.entrypoints.launchers.cli_args", "FrontendArgs")
ASYNC_LLM = ("vllm.v1.engine.async_llm", "AsyncLLM")
RENDERER = ("vllm.renderers.base", "BaseRenderer")
TOKENIZE = ("vllm.renderers.params", "TokenizeParams")
CHAT_REQUEST = ("vllm.entrypoints.openai.chat_completion.protocol", "ChatCompletionRequest")

# What an expression of ours is in vLLM. Keys are the source text of the object, values its class there.
OBJECTS = {
    "AsyncLLM": ASYNC_LLM,
    "engine": ASYNC_LLM,
    "engine.renderer": RENDERER,
    "engine.renderer.default_chat_tok_params": TOKENIZE,
    "output": ("vllm.outputs", "RequestOutput"),
    "completion": ("vllm.outputs", "CompletionOutput"),
    "placeholder": ("vllm.multimodal.inputs", "PlaceholderRange"),
    "RequestOutputKind": ("vllm.sampling_params", "RequestOutputKind"),
}
# Keys that are read from mappings of vLLM's.
KEYS = {"mm_placeholders": ("vllm.inputs.engine", "MultiModalInput")}


class Report:
    """Counts what was compared and keeps what does not fit."""

    def __init__(self) -> None:
        self.compared: list[str] = []
        self.wrong: list[str] = []

    def check(self, holds: bool, what: str) -> None:
        (self.compared if holds else self.wrong).append(what)


def check_imports(tree: ast.Module, source: Source, report: Report) -> dict[str, tuple[str, str]]:
    """Every ``from vllm... import name``; returns the names with where they come from."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vllm":
            for alias in node.names:
                names[alias.name] = (str(node.module), alias.name)
                found = source.resolve(str(node.module), alias.name)
                report.check(found is not None, f"from {node.module} import {alias.name}")
    return names


def check_arguments(call: ast.Call, signature: Signature, what: str, report: Report) -> None:
    """A call's arguments against a signature."""
    given = {k.arg for k in call.keywords if k.arg is not None}
    fits = len(call.args) <= len(signature.positional)
    taken = set(signature.positional[: len(call.args)])
    unknown = given - signature.keywords if not signature.open_ended else set()
    missing = signature.required - given - taken if all(k.arg for k in call.keywords) else set()
    report.check(
        fits and not unknown and not missing and not taken & given,
        f"{what}({', '.join([*sorted(taken), *sorted(map(str, given))])})"
        + (f": unknown {sorted(unknown)}" if unknown else "")
        + (f": missing {sorted(missing)}" if missing else ""),
    )


def check_calls(tree: ast.Module, names: dict[str, tuple[str, str]], source: Source, report: Report) -> None:
    """Constructors of imported classes, and methods of objects that are vLLM's."""
    for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id in names:
            place = names[call.func.id]
            fields = source.fields(*place)
            check_arguments(call, Signature((), fields, frozenset(), False), call.func.id, report)
        elif isinstance(call.func, ast.Attribute) and (owner := ast.unparse(call.func.value)) in OBJECTS:
            signature = source.method(*OBJECTS[owner], call.func.attr)
            what = f"{OBJECTS[owner][1]}.{call.func.attr}"
            if signature is None:
                report.check(False, f"{what}: no such method")
            else:
                check_arguments(call, signature, what, report)


def check_attributes(tree: ast.Module, source: Source, report: Report) -> None:
    """Attributes and keys that are read from vLLM's objects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (owner := ast.unparse(node.value)) in OBJECTS:
            known = source.members(*OBJECTS[owner])
            report.check(node.attr in known, f"{OBJECTS[owner][1]}.{node.attr}")
        if isinstance(node, ast.Constant) and node.value in KEYS:
            place = KEYS[str(node.value)]
            report.check(node.value in source.fields(*place), f"{place[1]}[{node.value!r}]")


def check_is_complete(tree: ast.Module, report: Report) -> None:
    """Whatever holds vLLM's engine is an object with a rule above."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node).startswith("self._engine."):
            report.check(False, f"{ast.unparse(node)}: name the engine `engine`, which is what the check follows")


def check_settings(source: Source, report: Report) -> None:
    """Engine arguments and command line, made from settings that all differ from their defaults."""
    settings_module = import_module("comic_eval.model_adapters._vllm_settings")
    checkpoint_module = import_module("comic_eval.model_adapters._checkpoint")
    template = Path("template.jinja")
    for native in (True, False):
        settings = settings_module.VllmSettings(
            revision="abc",
            dtype="bfloat16",
            tensor_parallel=2,
            data_parallel=2,
            max_model_len=65536,
            prefix_caching=native,
            native_tools=native,
            chat_template=str(template),
        )
        checkpoint = checkpoint_module.Checkpoint(
            name="name",
            base="Qwen/Qwen2.5-VL-7B-Instruct",
            lora=Path("lora"),
            processor="",
            model_type=None,
            digest=None,
        )
        arguments = settings_module.engine_arguments(checkpoint, settings)
        known = source.fields(*ARGS)
        for name in arguments:
            report.check(name in known, f"AsyncEngineArgs.{name}")
        check_flags(settings_module.serve_arguments(checkpoint, settings, 8000), source, report)
    ranks = source.literal("vllm.config.lora", "MaxLoRARanks")
    report.check(ranks == settings_module.LORA_RANKS, f"LoRA ranks {settings_module.LORA_RANKS} of {ranks}")


def check_flags(line: list[str], source: Source, report: Report) -> None:
    """Each flag is a field of the server's arguments, or one that the engine's parser adds by name."""
    report.check(line[0] == "serve", "vllm serve")
    front = {f"--{name.replace('_', '-')}" for name in source.fields(*FRONTEND)}
    text = source.text("vllm/engine/arg_utils.py") or ""
    engine = set(re.findall(r'"(--[a-z0-9-]+)"', text))
    for word in line:
        if word.startswith("--"):
            positive = word.replace("--no-", "--", 1)
            report.check(word in front | engine or positive in engine, f"vllm serve {word}")
    lora = json.loads(line[line.index("--lora-modules") + 1])
    fields = source.fields("vllm.entrypoints.openai.models.protocol", "LoRAModulePath")
    report.check(set(lora) <= fields, f"--lora-modules {sorted(lora)}")


def check_server(source: Source, report: Report) -> None:
    """The rest of what the served form relies on."""
    report.check(any(p.endswith(".dist-info/entry_points.txt") for p in source.paths()), "the `vllm` command")
    command = next((source.text(p) or "" for p in source.paths() if p.endswith("entry_points.txt")), "")
    report.check(re.search(r"^vllm *=", command, re.MULTILINE) is not None, "console script vllm")
    routes = source.text("vllm/entrypoints/serve/instrumentator/health.py") or ""
    report.check('"/health"' in routes, "GET /health")
    parsers = source.text("vllm/tool_parsers/__init__.py") or ""
    report.check('"hermes"' in parsers, "tool parser hermes")
    report.check('"VLLM_API_KEY"' in (source.text("vllm/envs.py") or ""), "environment variable VLLM_API_KEY")
    known = source.fields(*CHAT_REQUEST)
    sent = "model messages temperature top_p max_tokens seed tools response_format reasoning_effort"
    for name in f"{sent} top_k min_p repetition_penalty".split():
        report.check(name in known, f"POST /v1/chat/completions {name}")
    # The processors' own limits are merged with ours under this name.
    for model in ("qwen2_vl", "qwen3_vl"):
        text = source.text(f"vllm/model_executor/models/{model}.py") or ""
        merged = re.search(r'size = image_processor\.size|mm_kwargs\.get\("size"\)', text)
        report.check(merged is not None and '"longest_edge"' in text, f"mm_processor_kwargs size of {model}")


def check(place: Path) -> Report:
    """Compares everything with a wheel or an unpacked one."""
    source, report = Source(place), Report()
    file = import_module(ENGINE).__file__
    tree = ast.parse(Path(str(file)).read_text(encoding="utf-8"))
    names = check_imports(tree, source, report)
    check_calls(tree, names, source, report)
    check_attributes(tree, source, report)
    check_is_complete(tree, report)
    check_settings(source, report)
    check_server(source, report)
    return report


def download(folder: Path) -> Path:
    """The official wheel of the version in constraints.txt, without what it requires."""
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pin = next(line for line in pins if line.startswith("vllm=="))
    sys.stdout.write(f"downloading the wheel of {pin} (about 320 MB), without its requirements ...\n")
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps",
         "--only-binary=:all:", "--platform", "manylinux_2_28_x86_64", "--dest", str(folder), pin],
        check=True,
    )  # fmt: skip
    return next(folder.glob("vllm-*.whl"))


def main() -> int:
    """Prints what does not fit; 0 if everything does."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(sys.argv[1]) if len(sys.argv) > 1 else download(Path(folder))
        report = check(place)
    for line in report.wrong:
        sys.stdout.write(f"does not fit: {line}\n")
    sys.stdout.write(f"{len(report.compared)} uses of vLLM fit {place.name}, {len(report.wrong)} do not\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
