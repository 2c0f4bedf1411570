"""What asyncio reports of futures that nobody read reaches the log, but for hang-ups."""

from __future__ import annotations

import asyncio
import gc

import pytest


async def leave_unread(error: BaseException) -> None:
    asyncio.get_running_loop().create_future().set_exception(error)
    gc.collect()


def test_a_request_whose_client_hung_up_leaves_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asyncio.run(leave_unread(asyncio.CancelledError()))
    assert caplog.records == []


def test_another_error_that_nobody_read_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asyncio.run(leave_unread(ValueError("unread")))
    assert [record.name for record in caplog.records] == ["asyncio"]
    assert "never retrieved" in caplog.text and "ValueError: unread" in caplog.text
