"""Measurements against named peers, each a ratio within one run."""
