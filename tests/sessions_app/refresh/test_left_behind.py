"""What dead processes leave: who is dead, and which drafts are nobody's any more."""

from __future__ import annotations

import os
import subprocess
import sys

from sessions_app import processes
from sessions_app.sealing import spool
from tests.sessions_app.refresh.conftest import dead_identity


def test_a_process_that_has_ended_is_dead_before_its_parent_has_looked():
    ended = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    worker = processes._identity(ended.pid)
    assert not processes.is_dead(worker) or not worker.endswith(":")
    assert ended.stdout.read() == b""
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
    assert processes.is_dead(worker)
    ended.wait()
    ended.stdout.close()
    assert processes.is_dead(worker)


def test_a_draft_of_a_living_process_is_left_alone_and_a_dead_ones_is_removed(
    login, row, data_dir
):
    folder = data_dir / "spool"
    folder.mkdir()
    mine = folder / f"{row().pk}.{os.getpid()}.tmp"
    mine.write_text("half")
    dead = folder / f"{row().pk}.{dead_identity().split(':')[1]}.tmp"
    dead.write_text("half")
    assert list(spool.left_behind()) == []
    assert mine.exists() and not dead.exists()
