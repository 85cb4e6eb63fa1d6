"""Turns a conversation into a model's tensors, with every picture exactly as it is sent."""

from __future__ import annotations

import io
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from comic_eval.errors import RequestError, UserError
from comic_eval.types import EncodedImage, ImagePart, Message, Request

from ._transformers_sampling import Sampling

# Tokens that stand for pictures; text that holds one could not be told from a picture.
MEDIA = ("image_token", "video_token", "vision_start_token", "vision_end_token")


@dataclass(frozen=True)
class Prepared:
    """One request as tensors of batch size 1.

    Attributes:
        tensors: what the processor made, by name.
        input_tokens: length of the prompt; ``image_tokens`` of them are picture.
        new_tokens: most tokens of the answer.
        sampling: how it decodes.
        seed: of its random numbers; None draws one.
    """

    tensors: dict[str, Any]
    input_tokens: int
    image_tokens: int | None
    new_tokens: int
    sampling: Sampling
    seed: int | None

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.new_tokens

    @property
    def group(self) -> Hashable:
        """Equal for requests that decode alike and whose tensors can be joined."""
        # A repetition penalty would count the padding of the shorter prompts.
        same_length = self.input_tokens if self.sampling.repetition_penalty != 1 else None
        shapes = tuple(
            (name, tensor.dtype, tuple(tensor.shape[1:]))
            for name, tensor in sorted(self.tensors.items())
            if not self.is_sequence(tensor)
        )
        return self.sampling, self.new_tokens, same_length, shapes

    def is_sequence(self, tensor: Any) -> bool:
        """Whether a tensor has one entry a token of the prompt."""
        return tuple(tensor.shape) == (1, self.input_tokens)


class InputMaker:
    """Makes the inputs of one model.

    Args:
        context: most tokens of prompt and answer together.
        patch: pixels a side of one visual token (Qwen's families): pictures then go in as they are sent. None leaves
            them to the processor's own rule.

    Raises:
        UserError: the processor has another grid.
    """

    def __init__(self, processor: Any, *, context: int, patch: int | None) -> None:
        self._processor = processor
        self._context = context
        self._patch = patch
        images = getattr(processor, "image_processor", None)
        self._merge = getattr(images, "merge_size", None)
        if patch is not None and patch != (found := grid_patch(images)):
            raise UserError(
                f"the model's family has visual tokens of {patch} pixels a side, but its image processor makes them of "
                f"{found}: the checkpoint's name, its comic_eval.json or its processor is another model's"
            )
        self._image_id = getattr(processor, "image_token_id", None)
        self._media = sorted({str(t) for name in MEDIA if (t := getattr(processor, name, None))})

    def prepare(self, request: Request) -> Prepared:
        """One request's tensors.

        Raises:
            RequestError: it holds what the model cannot be given, its pictures do not come out as they were sent, or
                it is too long.
        """
        if request.tools:
            raise RequestError("this adapter knows no native tools: choose a dialect of text tags", cause="bad_request")
        sampling = Sampling.of(request.params)
        pictures = [decode(image) for image in request.conversation.images]
        messages = [self._message(m) for m in request.conversation.messages]
        text = self._processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        made = self._processor(
            text=[text], images=pictures or None, return_tensors="pt", **self._resizing(request.conversation.images)
        )
        tensors = dict(made)
        length = int(tensors["input_ids"].shape[1])
        shown = self._check_pictures(tensors, request.conversation.images)
        return Prepared(
            tensors=tensors,
            input_tokens=length,
            image_tokens=shown,
            new_tokens=self._new_tokens(length, request.params.max_tokens),
            sampling=sampling,
            seed=request.params.seed,
        )

    def _message(self, message: Message) -> dict[str, Any]:
        if message.role == "tool" or message.tool_calls:
            raise RequestError("this adapter knows no native tools: choose a dialect of text tags", cause="bad_request")
        content: list[dict[str, str]] = []
        for part in message.content:
            if isinstance(part, ImagePart):
                content.append({"type": "image"})
            else:
                if found := next((t for t in self._media if t in part.text), None):
                    raise RequestError(f"the text holds {found!r}, which stands for a picture", cause="bad_request")
                content.append({"type": "text", "text": part.text})
        return {"role": message.role, "content": content}

    def _resizing(self, images: Sequence[EncodedImage]) -> dict[str, Any]:
        """Settings under which the processor leaves sizes alone; sizes off the grid it may only round to it."""
        if self._patch is None or not images:
            return {}
        if all(side % self._patch == 0 for image in images for side in image.size):
            return {"do_resize": False}
        pixels = [image.size[0] * image.size[1] for image in images]
        area = self._patch * self._patch
        return {"size": {"shortest_edge": area, "longest_edge": 2 * max(pixels) + 4 * area}}

    def _check_pictures(self, tensors: dict[str, Any], images: Sequence[EncodedImage]) -> int | None:
        """The number of picture tokens, which must be that of the pictures as sent."""
        if self._image_id is None:
            return None
        shown = int((tensors["input_ids"] == self._image_id).sum())
        grid = tensors.get("image_grid_thw")
        if self._patch is None or self._merge is None:
            return shown
        rows = [] if grid is None else [tuple(row) for row in grid.tolist()]
        cell = self._patch // self._merge
        wanted = [(1, *(self._merge * max(1, round(side / self._patch)) for side in reversed(i.size))) for i in images]
        if rows != wanted:
            found = ", ".join(f"{w * cell}x{h * cell}" for _, h, w in rows) or "none"
            sent = ", ".join(f"{w}x{h}" for w, h in (i.size for i in images))
            raise RequestError(
                f"the processor changed the pictures: sent {sent}, shown {found} pixels", cause="image_mismatch"
            )
        expected = sum(t * h * w for t, h, w in rows) // self._merge**2
        if shown != expected:
            raise RequestError(
                f"the prompt has {shown} picture tokens, but its pictures have {expected}", cause="image_mismatch"
            )
        return shown

    def _new_tokens(self, length: int, wanted: int | None) -> int:
        left = self._context - length
        if left < 1:
            raise RequestError(
                f"the prompt has {length} tokens, but the model's context holds {self._context}: lower the budget of "
                "visual tokens or the number of turns",
                cause="context_length",
            )
        return left if wanted is None else min(left, wanted)


def grid_patch(image_processor: Any) -> int | None:
    """Pixels a side of one visual token, for processors whose pictures become a grid of them (Qwen's)."""
    patch, merge = (getattr(image_processor, name, None) for name in ("patch_size", "merge_size"))
    return patch * merge if isinstance(patch, int) and isinstance(merge, int) else None


def decode(image: EncodedImage) -> Image.Image:
    """The pixels of a picture.

    Raises:
        RequestError: its bytes are damaged or of another size than stated.
    """
    try:
        with Image.open(io.BytesIO(image.data)) as picture:
            rgb = picture.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RequestError(f"a picture cannot be decoded ({error})", cause="bad_request") from None
    if rgb.size != image.size:
        raise RequestError(f"a picture has {rgb.size} pixels, but is said to have {image.size}", cause="bad_request")
    return rgb


def join(batch: Sequence[Prepared], pad_id: int) -> dict[str, Any]:
    """One batch's tensors: sequences padded on the left, everything else one after the other."""
    import torch

    longest = max(p.input_tokens for p in batch)
    joined: dict[str, Any] = {}
    for name, first in batch[0].tensors.items():
        if batch[0].is_sequence(first):
            fill = pad_id if name == "input_ids" else 0
            rows = [torch.nn.functional.pad(p.tensors[name], (longest - p.input_tokens, 0), value=fill) for p in batch]
        else:
            rows = [p.tensors[name] for p in batch]
        joined[name] = torch.cat(rows, dim=0)
    return joined
