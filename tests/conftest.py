"""Fixtures of every test: the emulator."""

from tests.emulator import emulator, emulator_process

__all__ = ["emulator", "emulator_process"]
