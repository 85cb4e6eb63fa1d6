"""A stand-in for the package vllm: the parts of version 0.31 that the adapter's engine mode uses, without a model.

Names, modules and signatures are those of vLLM; tests hold the stand-in to the uses in our code, and
``make check-vllm`` holds those uses to vLLM itself. It answers with what it was shown, and fails when the text tells it
to.
"""
