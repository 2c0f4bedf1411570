"""Runs: start, stream, stop, survive."""
