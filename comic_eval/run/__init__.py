"""The run: plan, ask, cache, journal, resume."""
