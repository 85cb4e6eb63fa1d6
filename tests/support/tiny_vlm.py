"""Tiny random Qwen2.5-VL, Qwen3-VL and InternVL checkpoints, built offline: real classes, processors and templates.

Some 200,000 parameters, so that a forward pass takes milliseconds. What such a model writes is noise; what it is shown,
how it is batched and where its answers go is real.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

Arch = Literal["qwen2_5_vl", "qwen3_vl"]
PATCH = {"qwen2_5_vl": 28, "qwen3_vl": 32}

SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
TAGS = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>")
CORPUS = (
    "You are a helpful assistant. Which of the two marked characters is nearer to the viewer?",
    "In how many panels of this page does the marked character appear? Answer with <answer>...</answer>.",
    '{"name": "image_zoom_in_tool", "arguments": {"bbox_2d": [12, 34, 56, 78]}}',
    "0 1 2 3 4 5 6 7 8 9 10 20 50 100 224 300 448 1000",
)
VOCABULARY = 400

# As Qwen2.5-VL's own: pictures and text in any order, a default system prompt, and no tools.
TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_tiny_vlm(folder: Path, arch: Arch = "qwen2_5_vl", *, seed: int = 0, context: int = 8192) -> Path:
    """Writes a checkpoint that `AutoModelForImageTextToText` and `AutoProcessor` load; returns its folder."""
    import torch

    tokenizer = _tokenizer(context)
    torch.manual_seed(seed)
    model = _model(arch, tokenizer, context)
    ids = tokenizer.convert_tokens_to_ids
    model.generation_config.eos_token_id = [ids("<|im_end|>"), ids("<|endoftext|>")]
    model.generation_config.pad_token_id = ids("<|endoftext|>")
    # Qwen's checkpoints bring sampling settings of their own; the harness must not fall for them.
    model.generation_config.do_sample = True
    model.generation_config.temperature = 0.1
    model.generation_config.repetition_penalty = 1.05
    model.save_pretrained(folder)
    _processor(arch, tokenizer).save_pretrained(folder)
    return folder


def build_tiny_internvl(folder: Path, *, seed: int = 0) -> Path:
    """Writes an InternVL: a family whose processor cuts pictures into tiles of its own size."""
    import torch
    import transformers

    marks = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    plain = _tokenizer(8192)
    plain.add_tokens(list(marks.values()), special_tokens=True)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain.backend_tokenizer,
        eos_token="<|im_end|>",  # noqa: S106
        pad_token="<|endoftext|>",  # noqa: S106
        extra_special_tokens=marks,
    )
    common = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.InternVLConfig(
        vision_config={**common, "image_size": [56, 56], "patch_size": [14, 14], "initializer_range": 0.2},
        text_config={
            **common,
            "model_type": "qwen2",
            "num_key_value_heads": 2,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 8192,
            "initializer_range": 0.2,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    torch.manual_seed(seed)
    model = transformers.InternVLForConditionalGeneration(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    size = {"height": 56, "width": 56}
    transformers.InternVLProcessor(
        image_processor=transformers.GotOcr2ImageProcessor(size=size, crop_to_patches=True, max_patches=6),
        tokenizer=tokenizer,
        video_processor=transformers.InternVLVideoProcessor(size=size),
        image_seq_length=4,
        chat_template=TEMPLATE.replace("<|vision_start|><|image_pad|><|vision_end|>", "<IMG_CONTEXT>\n"),
    ).save_pretrained(folder)
    return folder


def build_tiny_lora(folder: Path, base: Path, *, seed: int = 1) -> Path:
    """Writes a LoRA adapter over ``base`` whose weights are not zero, so that it changes answers."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    torch.manual_seed(seed)
    model = AutoModelForImageTextToText.from_pretrained(base)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(folder)
    return folder


def _tokenizer(context: int) -> Any:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    pattern = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS * 5, trainer)
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in TAGS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",  # noqa: S106
        pad_token="<|endoftext|>",  # noqa: S106
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        chat_template=TEMPLATE,
    )


def _model(arch: Arch, tokenizer: Any, context: int) -> Any:
    import transformers

    ids = tokenizer.convert_tokens_to_ids
    text: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        # Larger than usual and untied, or every answer is its last token over and over, whatever it is shown.
        "initializer_range": 0.2,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": context,
        "bos_token_id": ids("<|endoftext|>"),
        "eos_token_id": ids("<|im_end|>"),
        "pad_token_id": ids("<|endoftext|>"),
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
    }
    vision: dict[str, Any] = {
        "depth": 2,
        "initializer_range": 0.2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "patch_size": PATCH[arch] // 2,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "out_hidden_size": 64,
    }
    if arch == "qwen2_5_vl":
        vision |= {"window_size": 112, "fullatt_block_indexes": [1]}
        config_class, model_class = transformers.Qwen2_5_VLConfig, transformers.Qwen2_5_VLForConditionalGeneration
    else:
        text["head_dim"] = 16
        text["rope_parameters"] |= {"mrope_interleaved": True}
        vision |= {"num_position_embeddings": 256, "deepstack_visual_indexes": [0, 1]}
        config_class, model_class = transformers.Qwen3VLConfig, transformers.Qwen3VLForConditionalGeneration
    config = config_class(
        text_config=text,
        vision_config=vision,
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
        tie_word_embeddings=False,
    )
    return model_class(config).eval()


def _processor(arch: Arch, tokenizer: Any) -> Any:
    import transformers

    # The image processor's own limit is far below what the tests send, so that a second resize would show.
    side = PATCH[arch]
    common = {"patch_size": side // 2, "merge_size": 2, "temporal_patch_size": 2}
    size = {"shortest_edge": 4 * side * side, "longest_edge": 16 * side * side}
    colours = {} if arch == "qwen2_5_vl" else {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    images = transformers.Qwen2VLImageProcessor(size=size, **common, **colours)
    if arch == "qwen2_5_vl":
        videos, kind = transformers.Qwen2VLVideoProcessor(**common), transformers.Qwen2_5_VLProcessor
    else:
        videos, kind = transformers.Qwen3VLVideoProcessor(**common), transformers.Qwen3VLProcessor
    return kind(image_processor=images, tokenizer=tokenizer, video_processor=videos, chat_template=TEMPLATE)
