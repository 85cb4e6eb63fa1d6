"""What ``models/MODEL:generateContent`` accepts: strict checks, with the API's own words where they are known."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from support.gemini_schema import ApiError, parse
from support.openai_protocol import SentImage

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
DATA_FIELDS = ("text", "inlineData", "functionCall", "functionResponse")
IMAGE_TOKENS = 258


@dataclass(frozen=True)
class Seen:
    """What a request showed the model.

    Attributes:
        text: all of it in order, without the system instruction.
        system: the system instruction.
        outline: one word a part: ``user:text``, ``user:image``, ``model:call:NAME``, ``user:result:NAME`` or
            ``user:result:NAME+1`` with a picture inside.
        signatures: the thought signatures that came back.
        config: the generation config, camelCase.
        functions: names of the declared functions.
    """

    text: str
    system: str
    images: tuple[SentImage, ...]
    outline: tuple[str, ...]
    signatures: tuple[bytes, ...]
    config: dict[str, Any]
    functions: tuple[str, ...]

    @property
    def text_tokens(self) -> int:
        return len(self.text.split()) + len(self.system.split())


def generation_of(model: str) -> float:
    """The generation in a model's name; the mock demands names that tell it."""
    match = re.search(r"gemini-(\d+(?:\.\d+)?)", model)
    if match is None:
        raise ApiError(404, f"models/{model} is not found for API version v1, or is not supported for generateContent.")
    return float(match[1])


class Checker:
    """Checks requests; remembers the signatures that the server gave out, since only those are valid."""

    def __init__(self) -> None:
        self.issued: set[bytes] = set()
        self._known: dict[tuple[str, str], tuple[int, int]] = {}

    def check(self, body: Any, model: str) -> Seen:
        """What the model would see.

        Raises:
            ApiError: the API would refuse the request.
        """
        request = parse(body, "Request")
        generation = generation_of(model)
        config = request.get("generationConfig", {})
        _check_config(config, generation)
        functions = _check_tools(request.get("tools", []))
        contents = request.get("contents")
        if not contents:
            raise ApiError(400, "* GenerateContentRequest.contents: contents is not specified")
        images: list[SentImage] = []
        texts: list[str] = []
        outline: list[str] = []
        for i, content in enumerate(contents):
            role = content.get("role")
            if role not in ("user", "model"):
                raise ApiError(400, "Please use a valid role: user, model.")
            for j, part in enumerate(_parts(content, f"contents[{i}]")):
                at = f"contents[{i}].parts[{j}]"
                outline.append(self._part(part, role, at, generation, texts, images))
        _check_turns(contents)
        signatures = self._signatures(contents, generation)
        system = request.get("systemInstruction")
        instruction = [p.get("text", "") for p in _parts(system, "system_instruction")] if system else []
        return Seen(
            text="\n".join(texts),
            system="\n".join(instruction),
            images=tuple(images),
            outline=tuple(outline),
            signatures=signatures,
            config=config,
            functions=functions,
        )

    def _part(
        self, part: dict[str, Any], role: str, at: str, generation: float, texts: list[str], images: list[SentImage]
    ) -> str:
        (kind,) = (f for f in DATA_FIELDS if f in part)
        if kind == "text":
            if not part["text"]:
                raise ApiError(400, f"Unable to submit request because it has an empty text parameter at {at}.")
            texts.append(part["text"])
            return f"{role}:text"
        if kind == "inlineData":
            if role != "user":
                raise ApiError(400, f"Invalid part at {at}: only user turns hold images.")
            images.append(self._image(part["inlineData"], at))
            return f"{role}:image"
        inner = part[kind]
        if not NAME.fullmatch(inner.get("name", "")):
            raise ApiError(400, f"Invalid function name at {at}.")
        if kind == "functionCall":
            if role != "model" or "args" not in inner:
                raise ApiError(400, f"Invalid function call at {at}.")
            return f"{role}:call:{inner['name']}"
        if role != "user" or not isinstance(inner.get("response"), dict):
            raise ApiError(400, f"Invalid function response at {at}.")
        inside = inner.get("parts", [])
        if inside and generation < 3:
            raise ApiError(400, "Multimodal function responses are not supported by this model.")
        images += [self._image(p.get("inlineData", {}), f"{at}.functionResponse.parts[{k}]")
                   for k, p in enumerate(inside)]  # fmt: skip
        texts.append(str(inner["response"]))
        return f"{role}:result:{inner['name']}" + (f"+{len(inside)}" if inside else "")

    def _image(self, blob: dict[str, Any], at: str) -> SentImage:
        media_type, data = blob.get("mimeType"), blob.get("data", b"")
        if media_type not in FORMATS:
            raise ApiError(400, f"Unsupported MIME type: {media_type}")
        digest = hashlib.sha256(data).hexdigest()
        if (digest, media_type) not in self._known:
            try:
                with Image.open(io.BytesIO(data)) as image:
                    image.load()
                    found, size = image.format, image.size
            except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
                raise ApiError(400, "Unable to process input image. Please retry or report.") from None
            if found != FORMATS[media_type]:
                raise ApiError(400, f"Unable to process input image: it is {found}, not {media_type}.")
            self._known[digest, media_type] = size
        return SentImage(
            size=self._known[digest, media_type], media_type=media_type, n_bytes=len(data), sha256=digest, at=at
        )

    def _signatures(self, contents: list[dict[str, Any]], generation: float) -> tuple[bytes, ...]:
        found = []
        for content in contents:
            calls = [p for p in content["parts"] if "functionCall" in p]
            if calls and generation >= 3 and "thoughtSignature" not in calls[0]:
                raise ApiError(400, "Function call is missing a thought_signature in functionCall parts. This is "
                                    "required for tools to work correctly.")  # fmt: skip
            found += [p["thoughtSignature"] for p in content["parts"] if "thoughtSignature" in p]
        if set(found) - self.issued:
            raise ApiError(400, "Corrupted thought signature.")
        return tuple(found)


def _parts(content: dict[str, Any], at: str) -> Iterable[dict[str, Any]]:
    parts = content.get("parts")
    if not parts:
        raise ApiError(400, f"* GenerateContentRequest.{at}.parts: contents.parts must not be empty.")
    for part in parts:
        if sum(f in part for f in DATA_FIELDS) != 1:
            raise ApiError(400, f"* GenerateContentRequest.{at}.parts: required oneof field 'data' must have one "
                                "initialized field")  # fmt: skip
    return list(parts)


def _check_turns(contents: list[dict[str, Any]]) -> None:
    """The results of a turn's calls are the next turn: as many, in order, of the same names and ids."""
    waiting: list[dict[str, Any]] = []
    for content in contents:
        results = [p["functionResponse"] for p in content["parts"] if "functionResponse" in p]
        calls = [p["functionCall"] for p in content["parts"] if "functionCall" in p]
        if results and not waiting:
            raise ApiError(400, "Please ensure that function response turn comes immediately after a function call "
                                "turn.")  # fmt: skip
        if len(results) != len(waiting):
            raise ApiError(400, "Please ensure that the number of function response parts is equal to the number of "
                                "function call parts of the function call turn.")  # fmt: skip
        for call, result in zip(waiting, results, strict=True):
            if (call["name"], call.get("id")) != (result["name"], result.get("id")):
                raise ApiError(400, f"Function response {result['name']} does not match function call {call['name']}.")
        waiting = calls
    if waiting:
        raise ApiError(400, "Please ensure that the last turn is not a function call turn.")


def _check_tools(tools: list[dict[str, Any]]) -> tuple[str, ...]:
    declared = [f for tool in tools for f in tool.get("functionDeclarations", [])]
    names = [f.get("name", "") for f in declared]
    for function in declared:
        if not NAME.fullmatch(function.get("name", "")) or not function.get("description"):
            raise ApiError(400, "* GenerateContentRequest.tools[0].function_declarations[0]: Invalid function.")
        if ("parameters" in function) == ("parametersJsonSchema" in function):
            raise ApiError(400, "A function has either parameters or parameters_json_schema.")
    if len(set(names)) != len(names):
        raise ApiError(400, "Duplicate function declaration found.")
    return tuple(names)


def _check_config(config: dict[str, Any], generation: float) -> None:
    ranges = {"temperature": (0, 2), "topP": (0, 1), "maxOutputTokens": (1, 1 << 31), "candidateCount": (1, 1)}
    for name, (low, high) in (ranges | {"seed": (-(1 << 31), (1 << 31) - 1)}).items():
        if name in config and not low <= config[name] <= high:
            raise ApiError(400, f"* GenerateContentRequest.generation_config.{name}: {name} must be in [{low}, {high}]")
    schema = "responseJsonSchema" in config or "responseSchema" in config
    if schema and config.get("responseMimeType") != "application/json":
        raise ApiError(400, "response_schema needs response_mime_type application/json.")
    if "responseSchema" in config and "responseJsonSchema" in config:
        raise ApiError(400, "Only one of response_schema and response_json_schema may be set.")
    resolutions = {f"MEDIA_RESOLUTION_{r}" for r in ("UNSPECIFIED", "LOW", "MEDIUM", "HIGH")}
    if config.get("mediaResolution", "MEDIA_RESOLUTION_LOW") not in resolutions:
        raise ApiError(400, "Invalid value at 'generation_config.media_resolution'.")
    thinking = config.get("thinkingConfig", {})
    if "thinkingLevel" in thinking and "thinkingBudget" in thinking:
        raise ApiError(400, "You can only set only one of thinking budget and thinking level.")
    if "thinkingLevel" in thinking:
        if generation < 3:
            raise ApiError(400, "Thinking level is not supported for this model.")
        if thinking["thinkingLevel"].upper() not in ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"):
            raise ApiError(400, "Invalid value at 'generation_config.thinking_config.thinking_level'.")
    if not -1 <= thinking.get("thinkingBudget", 0) <= 32768:
        raise ApiError(400, "The thinking budget is invalid. Please choose a value between -1 and 32768.")
