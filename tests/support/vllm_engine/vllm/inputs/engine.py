from typing import Any, TypedDict


class MultiModalInput(TypedDict, total=False):
    type: str
    prompt: str
    prompt_token_ids: list[int]
    mm_placeholders: dict[str, Any]
