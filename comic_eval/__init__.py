"""comic-eval: evaluation of vision-language models on fine-grained comic understanding."""

__version__ = "0.1.0"
