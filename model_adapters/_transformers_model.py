"""A loaded model that answers batches of prepared requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from comic_eval.types import Generation, Usage

from ._transformers_batching import OutOfMemoryError
from ._transformers_inputs import Prepared, join
from ._transformers_load import Loaded
from ._transformers_sampling import processors

# Configuration entries that name tokens of pictures and videos. A model that writes one breaks its next turn: the
# token would stand for a picture that is not there.
MEDIA_IDS = (
    "image_token_id",
    "image_token_index",
    "video_token_id",
    "video_token_index",
    "vision_start_token_id",
    "vision_end_token_id",
)
MEDIA_TOKENS = ("<|vision_pad|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")


@dataclass(frozen=True)
class LocalModel:
    """The weights and what is known of them.

    Attributes:
        context: most tokens of prompt and answer together.
        stop_ids: tokens that end an answer.
        suppressed: tokens that are never written.
    """

    loaded: Loaded
    name: str
    context: int
    stop_ids: tuple[int, ...]
    pad_id: int
    suppressed: tuple[int, ...]

    @classmethod
    def of(cls, loaded: Loaded, name: str) -> LocalModel:
        """Reads stop tokens and limits out of a loaded checkpoint, and drops its own sampling settings."""
        from transformers import GenerationConfig

        model, tokenizer = loaded.model, loaded.tokenizer
        theirs = model.generation_config
        stop = _ids(theirs.eos_token_id) or _ids(tokenizer.eos_token_id)
        pad = next((i for i in (*_ids(theirs.pad_token_id), *_ids(tokenizer.pad_token_id), *stop)), 0)
        # What generate() is not given it takes from here, and a repetition penalty would go unseen.
        model.generation_config = GenerationConfig(eos_token_id=list(stop), pad_token_id=pad)
        text = model.config.get_text_config()
        vocabulary = tokenizer.get_vocab()
        media = {int(i) for n in MEDIA_IDS if (i := getattr(model.config, n, None)) is not None}
        media |= {vocabulary[t] for t in MEDIA_TOKENS if t in vocabulary}
        return cls(
            loaded=loaded,
            name=name if loaded.revision is None else f"{name}@{loaded.revision}",
            context=int(getattr(text, "max_position_embeddings", None) or tokenizer.model_max_length),
            stop_ids=stop,
            pad_id=pad,
            suppressed=tuple(sorted(i for i in media if i < text.vocab_size)),
        )

    def answer(self, batch: Sequence[Prepared], unwanted: Callable[[], bool]) -> list[Generation]:
        """Answers a batch of one `Prepared.group`; ``unwanted`` ends it early.

        Raises:
            OutOfMemoryError: a smaller batch may do.
            RequestError: the model refuses what it was given.
        """
        import torch

        try:
            return self._answer(batch, unwanted)
        except torch.OutOfMemoryError:
            pass
        # Outside of the handler, whose traceback would keep the batch's tensors alive.
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        tokens = max(p.tokens for p in batch)
        raise OutOfMemoryError(
            f"the GPU's memory does not hold one request of {tokens} tokens: lower the budget of visual tokens or "
            "max_tokens, or use more GPUs"
        )

    def _answer(self, batch: Sequence[Prepared], unwanted: Callable[[], bool]) -> list[Generation]:
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList

        class Unwanted(StoppingCriteria):  # type: ignore[misc] # transformers is Any to the type checker
            def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
                return torch.full((input_ids.shape[0],), unwanted(), dtype=torch.bool, device=input_ids.device)

        model = self.loaded.model
        tensors = {
            name: tensor.to(model.device, model.dtype if tensor.is_floating_point() else None)
            for name, tensor in join(batch, self.pad_id).items()
        }
        seeds = [p.seed for p in batch]
        with torch.inference_mode():
            written = model.generate(
                **tensors,
                max_new_tokens=batch[0].new_tokens,
                do_sample=False,
                logits_processor=processors(batch[0].sampling, seeds, list(self.suppressed), model.device),
                stopping_criteria=StoppingCriteriaList([Unwanted()]),
            )
        start = tensors["input_ids"].shape[1]
        return [self._read(p, row) for p, row in zip(batch, written[:, start:].tolist(), strict=True)]

    def _read(self, prepared: Prepared, tokens: list[int]) -> Generation:
        end = next((i for i, token in enumerate(tokens) if token in self.stop_ids), None)
        text = self.loaded.tokenizer.decode(tokens[:end], skip_special_tokens=True)
        return Generation(
            text=text,
            finish_reason="length" if end is None else "stop",
            model=self.name,
            usage=Usage(
                input_tokens=prepared.input_tokens,
                output_tokens=len(tokens) if end is None else end + 1,
                image_tokens=prepared.image_tokens,
            ),
        )


def _ids(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (int(value),)
