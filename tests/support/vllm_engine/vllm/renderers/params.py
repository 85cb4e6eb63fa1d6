from dataclasses import dataclass, field, replace
from typing import Any, Self


@dataclass(frozen=True)
class ChatParams:
    chat_template: str | None = None
    chat_template_kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TokenizeParams:
    max_total_tokens: int | None
    add_special_tokens: bool = True

    def with_kwargs(self, **tokenization_kwargs: Any) -> Self:
        return replace(self, **tokenization_kwargs)
