"""What operations refuse, in words for an operator, with the exit code of the command."""

from __future__ import annotations

FAILED, USAGE, PROBLEM, CONFIG = 1, 2, 3, 78


class OperationFailed(Exception):
    """It did not happen, and nothing of it is left; the message says what to do."""

    exit_code = FAILED


class Unfit(OperationFailed):
    """A backup that must not be restored: damaged, altered, or of other keys."""

    exit_code = PROBLEM


class NewerSchema(OperationFailed):
    """Made by a newer version than this one."""

    exit_code = CONFIG


class InUse(OperationFailed):
    """Somebody works on this installation; the message names the process."""

    exit_code = CONFIG
