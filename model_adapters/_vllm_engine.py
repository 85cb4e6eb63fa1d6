"""vLLM's engine in this process: continuous batching without a server in between.

Written for vLLM 0.31; ``make check-vllm`` compares every call below with the source of that version.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

from comic_eval.contracts import AdapterInfo, RunContext
from comic_eval.errors import RequestError, RetryableError, UserError
from comic_eval.types import Conversation, Generation, ImagePart, Request, Usage

from ._checkpoint import Checkpoint
from ._openai_errors import CONTEXT_WORDS
from ._transformers_sampling import Sampling
from ._vllm_settings import LORA_NAME, VllmSettings, check_pictures, engine_arguments


class EngineAdapter:
    """One model in vLLM's asynchronous engine."""

    def __init__(self, checkpoint: Checkpoint, settings: VllmSettings, info: AdapterInfo) -> None:
        self._checkpoint = checkpoint
        self._settings = settings
        self._info = info
        self._engine: Any = None
        self._lora: Any = None
        self._numbers = itertools.count()

    @property
    def info(self) -> AdapterInfo:
        return self._info

    async def start(self, context: RunContext) -> None:
        """Loads the weights; the loop waits for it.

        Raises:
            UserError: vLLM refuses the model, or has no GPU for it.
        """
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.lora.request import LoRARequest
        from vllm.v1.engine.async_llm import AsyncLLM

        arguments = engine_arguments(self._checkpoint, self._settings)
        try:
            # In the loop, because the engine binds its reader to the loop that it is made in.
            self._engine = AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments, disable_log_stats=True))
        except (OSError, ValueError, RuntimeError) as error:
            words = " ".join(str(error).split())[:600]
            raise UserError(f"vllm: the engine did not start ({type(error).__name__}): {words}") from None
        if self._checkpoint.lora is not None:
            self._lora = LoRARequest(lora_name=LORA_NAME, lora_int_id=1, lora_path=str(self._checkpoint.lora))

    async def generate(self, request: Request) -> Generation:
        """Answers one request; see `comic_eval.contracts.Adapter`."""
        from vllm.exceptions import VLLMClientError
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        if self._engine is None:
            raise RuntimeError("generate() was called before start() or after close()")
        if request.tools:
            raise RequestError("the engine knows no native tools: choose a dialect of text tags", cause="bad_request")
        check_pictures(request, self._settings, self._checkpoint.family)
        started = time.perf_counter()
        sampling = Sampling.of(request.params)
        try:
            generation = await self._ask(request, sampling)
        except EngineDeadError as error:
            raise RequestError(f"vLLM's engine died: {error}", cause="engine_dead") from None
        except EngineGenerateError as error:
            raise RetryableError(f"vLLM's engine failed: {error.__cause__ or error}", cause="engine") from None
        except (VLLMClientError, ValueError) as error:
            cause = "context_length" if CONTEXT_WORDS.search(str(error)) else "bad_request"
            raise RequestError(f"vLLM refuses the request: {error}", cause=cause) from None
        return generation.model_copy(update={"latency_s": time.perf_counter() - started})

    async def _ask(self, request: Request, sampling: Sampling) -> Generation:
        from vllm.renderers import ChatParams
        from vllm.sampling_params import RequestOutputKind, SamplingParams

        engine = self._engine
        chat = ChatParams(chat_template_kwargs={"add_generation_prompt": True, "tokenize": False})
        # The chat template writes the beginning of the text itself.
        tokens = engine.renderer.default_chat_tok_params.with_kwargs(add_special_tokens=False)
        _, (shown,) = await engine.renderer.render_chat_async([messages(request.conversation)], chat, tokens)
        params = SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            min_p=sampling.min_p,
            repetition_penalty=sampling.repetition_penalty,
            max_tokens=request.params.max_tokens,
            seed=request.params.seed,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        number = f"comic-eval-{next(self._numbers)}"
        outputs = [output async for output in engine.generate(shown, params, number, lora_request=self._lora)]
        if not outputs:
            raise RetryableError("vLLM's engine gave no answer", cause="engine")
        output = outputs[-1]
        completion = output.outputs[0]
        pictures = shown.get("mm_placeholders", {}).get("image", ())
        return Generation(
            text=completion.text,
            finish_reason=completion.finish_reason,
            model=self._checkpoint.name,
            usage=Usage(
                input_tokens=len(output.prompt_token_ids or ()),
                output_tokens=len(completion.token_ids),
                cached_tokens=output.num_cached_tokens,
                image_tokens=sum(placeholder.length for placeholder in pictures),
            ),
        )

    async def close(self) -> None:
        """Ends the engine and its processes; a second call does nothing."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.shutdown()


def messages(conversation: Conversation) -> list[dict[str, Any]]:
    """The conversation in the words of the Chat Completions API, which vLLM's renderers take.

    Raises:
        RequestError: it holds turns of native tools.
    """
    lines = []
    for message in conversation.messages:
        if message.role == "tool" or message.tool_calls:
            raise RequestError("the engine knows no native tools: choose a dialect of text tags", cause="bad_request")
        parts: list[dict[str, Any]] = []
        for part in message.content:
            if isinstance(part, ImagePart):
                parts.append({"type": "image_url", "image_url": {"url": part.image.data_url.decode()}})
            else:
                parts.append({"type": "text", "text": part.text})
        lines.append({"role": message.role, "content": parts})
    return lines
