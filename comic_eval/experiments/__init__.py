"""Experiments of several runs: ablations, and the probes of zooming."""
