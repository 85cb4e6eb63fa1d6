"""What judges of open answers are made of, and how far they can be trusted: prompts, verdicts, labels, probes."""
