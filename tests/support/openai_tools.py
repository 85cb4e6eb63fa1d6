"""What the OpenAI API accepts around tools and answer formats, and the shapes of its errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class ApiError(Exception):
    """An error answer: ``{"error": {"message", "type", "param", "code"}}`` with its HTTP status."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        kinds = {401: "invalid_request_error", 429: "requests", 500: "server_error", 503: "server_error"}
        self.body = {
            "error": {
                "message": message,
                "type": kinds.get(status, "invalid_request_error"),
                "param": param,
                "code": code,
            }
        }


def bad(message: str, param: str, code: str = "invalid_value") -> ApiError:
    return ApiError(400, message, param=param, code=code)


def typed(value: Any, kinds: type | tuple[type, ...], param: str, what: str) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
        raise bad(f"Invalid type for '{param}': expected {what}.", param, "invalid_type")
    return value


def unknown(body: dict[str, Any], known: frozenset[str], prefix: str = "") -> None:
    for key in body:
        if key not in known:
            raise bad(f"Unknown parameter: '{prefix}{key}'.", prefix + key, "unknown_parameter")


def check_tools(body: dict[str, Any], function_of: Callable[[dict[str, Any], str], dict[str, Any]]) -> None:
    """Checks the offered tools; ``function_of`` finds the function in a tool (the two APIs nest it differently)."""
    tools = body.get("tools")
    if tools is None:
        if "tool_choice" in body:
            raise bad("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
        return
    if not typed(tools, list, "tools", "an array"):
        raise bad("Invalid 'tools': empty array.", "tools", "empty_array")
    for i, tool in enumerate(tools):
        at = f"tools[{i}]"
        if typed(tool, dict, at, "an object").get("type") != "function":
            raise bad(f"Invalid value: '{tool.get('type')}'. Only functions are known here.", f"{at}.type")
        function = function_of(tool, at)
        unknown(tool, frozenset({"type", "function"} if function is not tool else _FUNCTION | {"type"}), at + ".")
        unknown(function, _FUNCTION | ({"type"} if function is tool else set()), at + ".")
        if not TOOL_NAME.fullmatch(typed(function.get("name"), str, f"{at}.name", "a string")):
            raise bad(f"Invalid '{at}.name': does not match the pattern '{TOOL_NAME.pattern}'.", f"{at}.name")
        parameters = typed(function.get("parameters"), dict, f"{at}.parameters", "an object")
        if parameters.get("type") != "object":
            raise bad(f"Invalid schema for function '{function['name']}': it must be of type object.", at)


_FUNCTION = frozenset({"name", "description", "parameters", "strict"})


def check_format(value: Any, where: str, *, nested: bool) -> None:
    """Checks ``response_format`` (``nested``) or ``text.format``: the schema rules of strict structured output."""
    if value is None or typed(value, dict, where, "an object").get("type") == "text":
        return
    if value.get("type") != "json_schema":
        raise bad(f"Invalid value: '{value.get('type')}'.", f"{where}.type")
    inner = typed(value.get("json_schema"), dict, where, "an object") if nested else value
    unknown(
        inner, frozenset({"name", "description", "schema", "strict"} | (set() if nested else {"type"})), where + "."
    )
    if not TOOL_NAME.fullmatch(typed(inner.get("name"), str, f"{where}.name", "a string")):
        raise bad("Invalid name of the schema.", f"{where}.name")
    if inner.get("strict"):
        _strict(typed(inner.get("schema"), dict, f"{where}.schema", "an object"), where)


def _strict(schema: dict[str, Any], where: str) -> None:
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            raise bad(f"Invalid schema for {where}: 'additionalProperties' is required to be false.", where)
        if set(schema.get("required", ())) != set(properties):
            raise bad(f"Invalid schema for {where}: 'required' must name every property.", where)
        for inner in properties.values():
            _strict(inner, where)
    if schema.get("type") == "array":
        _strict(schema["items"], where)


class ToolTurn:
    """Chat Completions: every call is answered by a tool message right after it, and only calls are answered."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()

    def step(self, message: dict[str, Any], role: str, at: str) -> None:
        """Takes the next message."""
        if role == "tool":
            if message.get("tool_call_id") not in self._waiting:
                raise bad("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'.", at)
            self._waiting.remove(message["tool_call_id"])
            return
        self.end()
        if "tool_call_id" in message:
            raise bad(f"Unknown parameter: '{at}.tool_call_id'.", at, "unknown_parameter")
        calls = message.get("tool_calls")
        if calls is None:
            return
        if role != "assistant" or not typed(calls, list, f"{at}.tool_calls", "an array"):
            raise bad(f"Invalid '{at}.tool_calls'.", at)
        for i, call in enumerate(calls):
            where = f"{at}.tool_calls[{i}]"
            unknown(typed(call, dict, where, "an object"), frozenset({"id", "type", "function"}), where + ".")
            if call.get("type") != "function":
                raise bad(f"Missing required parameter: '{where}.type'.", where)
            function = typed(call.get("function"), dict, where + ".function", "an object")
            unknown(function, frozenset({"name", "arguments"}), where + ".function.")
            for key in ("name", "arguments"):
                typed(function.get(key), str, f"{where}.function.{key}", "a string")
            self._waiting.add(typed(call.get("id"), str, f"{where}.id", "a string"))
        if len(self._waiting) != len(calls):
            raise bad(f"Duplicate ids in '{at}.tool_calls'.", at)

    def end(self) -> None:
        """No call may still be open."""
        if self._waiting:
            raise bad(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                f"'tool_call_id'. These have no response: {', '.join(sorted(self._waiting))}",
                "messages",
            )


class ItemOrder:
    """Responses: calls and their outputs are paired by id; a reasoning item comes encrypted, as nothing is stored."""

    def __init__(self) -> None:
        self._called: set[str] = set()
        self._answered: set[str] = set()

    def step(self, item: dict[str, Any], kind: str, at: str) -> str:
        """Takes the next item other than a message; returns its word in the outline."""
        if kind == "reasoning":
            unknown(item, frozenset({"type", "id", "summary", "content", "encrypted_content", "status"}), at + ".")
            typed(item.get("summary"), list, f"{at}.summary", "an array")
            if not isinstance(item.get("encrypted_content"), str):
                raise ApiError(404, f"Item with id '{item.get('id')}' not found. Items are not persisted when 'store' "
                                    "is set to false.")  # fmt: skip
            return f"reasoning:{item.get('id')}"
        if kind not in ("function_call", "function_call_output"):
            raise bad(f"Invalid value: '{kind}'.", f"{at}.type")
        call_id = typed(item.get("call_id"), str, f"{at}.call_id", "a string")
        if kind == "function_call":
            unknown(item, frozenset({"type", "id", "call_id", "name", "arguments", "status"}), at + ".")
            for key in ("name", "arguments"):
                typed(item.get(key), str, f"{at}.{key}", "a string")
            self._called.add(call_id)
            return f"call:{call_id}"
        unknown(item, frozenset({"type", "id", "call_id", "output", "status"}), at + ".")
        if call_id not in self._called:
            raise bad(f"No tool call found for function call output with call_id {call_id}.", at)
        self._answered.add(call_id)
        return f"result:{call_id}"

    def end(self) -> None:
        """No call may be without its output."""
        if missing := self._called - self._answered:
            raise bad(f"No tool output found for function call {min(missing)}.", "input")
