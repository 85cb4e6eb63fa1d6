import base64
import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from vllm.exceptions import VLLMValidationError
from vllm.inputs.engine import MultiModalInput
from vllm.multimodal.inputs import PlaceholderRange

from .params import ChatParams, TokenizeParams


class BaseRenderer:
    def __init__(self, max_model_len: int) -> None:
        self._max_model_len = max_model_len

    @property
    def default_chat_tok_params(self) -> TokenizeParams:
        return TokenizeParams(max_total_tokens=self._max_model_len)

    async def render_chat_async(
        self,
        conversations: Sequence[list[dict[str, Any]]],
        chat_params: ChatParams,
        tok_params: TokenizeParams | None = None,
        *,
        prompt_extras: dict[str, Any] | None = None,
    ) -> tuple[list[Any], list[MultiModalInput]]:
        assert chat_params.chat_template_kwargs["add_generation_prompt"]
        assert tok_params is not None
        assert not tok_params.add_special_tokens
        return list(conversations), [self._render(c) for c in conversations]

    def _render(self, conversation: list[dict[str, Any]]) -> MultiModalInput:
        words: list[str] = []
        images: list[PlaceholderRange] = []
        for message in conversation:
            words.append(f"<{message['role']}>")
            for part in message["content"]:
                if part["type"] == "text":
                    words += part["text"].split()
                    continue
                data = part["image_url"]["url"].partition(";base64,")[2]
                with Image.open(io.BytesIO(base64.b64decode(data))) as image:
                    tokens = image.width * image.height // 784
                images.append(PlaceholderRange(offset=len(words), length=tokens))
                words += ["<image>"] * tokens
        if len(words) > self._max_model_len:
            raise VLLMValidationError(
                f"The decoder prompt (length {len(words)}) is longer than the maximum model length of "
                f"{self._max_model_len}."
            )
        return MultiModalInput(
            type="multimodal",
            prompt=" ".join(words),
            prompt_token_ids=list(range(len(words))),
            mm_placeholders={"image": images} if images else {},
        )
