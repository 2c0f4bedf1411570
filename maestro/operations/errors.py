"""What operations refuse, in words for an operator, with the exit code of the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error

from sessions_app.sealing.key_files import CryptoError

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


@contextmanager
def in_words(what: str) -> Iterator[None]:
    """Failures of disk, database and keys become one line; bugs stay tracebacks."""
    try:
        yield
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise OperationFailed(f"{what} could not be written: {reason}.") from None
    except Error as exc:
        text = str(exc).strip().splitlines()
        reason = text[0][:200] if text else type(exc).__name__
        raise OperationFailed(f"{what} failed at the database: {reason}") from None
    except CryptoError as exc:
        raise OperationFailed(f"{what} needs the encryption keys: {exc}.") from None
