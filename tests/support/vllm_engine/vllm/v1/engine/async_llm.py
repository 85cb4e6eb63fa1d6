import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.exceptions import VLLMValidationError
from vllm.lora.request import LoRARequest
from vllm.outputs import CompletionOutput, RequestOutput
from vllm.renderers import BaseRenderer
from vllm.sampling_params import RequestOutputKind, SamplingParams
from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

# Engines of this process, for tests to look at.
ENGINES: list["AsyncLLM"] = []


class AsyncLLM:
    def __init__(self, engine_args: AsyncEngineArgs) -> None:
        asyncio.get_running_loop()
        self.engine_args = engine_args
        self.renderer = BaseRenderer(engine_args.max_model_len or 4096)
        self.running = True
        self.request_ids: list[str] = []
        ENGINES.append(self)

    @classmethod
    def from_engine_args(cls, engine_args: AsyncEngineArgs, start_engine_loop: bool = True) -> "AsyncLLM":
        if "missing" in engine_args.model:
            raise OSError(f"{engine_args.model} is not a local folder and is not a valid model identifier")
        return cls(engine_args)

    async def generate(
        self,
        prompt: Any,
        sampling_params: SamplingParams,
        request_id: str,
        *,
        lora_request: LoRARequest | None = None,
        priority: int = 0,
    ) -> AsyncGenerator[RequestOutput, None]:
        assert sampling_params.output_kind is RequestOutputKind.FINAL_ONLY
        assert request_id not in self.request_ids
        self.request_ids.append(request_id)
        await asyncio.sleep(0)
        text = prompt["prompt"]
        if "engine dies" in text:
            raise EngineDeadError
        if "step fails" in text:
            raise EngineGenerateError from RuntimeError("CUDA error")
        if "not allowed" in text:
            raise VLLMValidationError("temperature must be non-negative")
        if "says nothing" in text:
            return
        name = lora_request.lora_name if lora_request else "base"
        answer = f"{name} t={sampling_params.temperature} k={sampling_params.top_k}: {text}"
        done = CompletionOutput(index=0, text=answer, token_ids=[1, 2, 3], finish_reason="stop")
        yield RequestOutput(request_id, prompt["prompt_token_ids"], [done], finished=True, num_cached_tokens=2)

    def shutdown(self, timeout: float | None = None) -> None:
        self.running = False
