"""R-13, F14: a full disk costs nobody what they have, and needs no restart afterwards."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
import requests

from sessions_app import storage
from tests.emulator import EmulatorProcess
from tests.faults.world import PASSWORD, Page, World, a_page, until
from tests.operations.disks import Disk, small_disk
from tests.scale.servers import Postgres

pytestmark = pytest.mark.timeout(240)

MODEL = "gpt-6.1-terra"
LONG = " ".join(f"w{at}" for at in range(4000))


@contextmanager
def database_on(kind: str, disk: Disk) -> Iterator[dict[str, str]]:
    """Settings of an installation whose database is on this disk."""
    if kind == "sqlite":
        yield {"MAESTRO_DATA": str(disk.path / "data")}
        return
    shutil.chown(disk.path, "postgres", "postgres")
    disk.path.chmod(0o700)
    # Of its own: a server with one full disk makes no checkpoint for anybody else either.
    own = Postgres()
    try:
        with psycopg.connect(own.url, autocommit=True) as server:
            server.execute(f"CREATE TABLESPACE small LOCATION '{disk.path}'")
            server.execute("CREATE DATABASE small TABLESPACE small")
        yield {"database_url": f"{own.url.removesuffix('postgres')}small"}
    finally:
        own.close()


@pytest.fixture(scope="module")
def vendor() -> Iterator[EmulatorProcess]:
    process = EmulatorProcess("--pace", 30)
    yield process
    process.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def disk(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    # Not below pytest's own folder, which PostgreSQL's user may not enter.
    path = Path("/tmp") / f"maestro-disk-{secrets.token_hex(4)}"
    try:
        with small_disk(path, 64) as found:
            yield found
    finally:
        path.rmdir()


@pytest.fixture
def world(kind: str, disk: Disk, vendor: EmulatorProcess) -> Iterator[World]:
    with database_on(kind, disk) as settings:
        found = World(vendor, **settings)
        yield found
        found.close()


@pytest.fixture
def page(world: World) -> Iterator[Page]:
    world.vendor.reset()
    with a_page(world) as found:
        yield found


def refusal(world: World) -> dict[str, str] | None:
    """Of a small change, which may find room for a while."""
    answer = world.post("/api/conversations/", {})
    return dict(answer.json()["error"]) if answer.status_code == 507 else None


def test_reads_go_on_writes_are_refused_and_all_is_well_when_there_is_room(
    world: World, page: Page, disk: Disk, kind: str
) -> None:
    world.vendor.script(text="short and sweet", match="before.")
    world.vendor.script(text=LONG, match="long.")
    world.vendor.script(text="as if nothing had been", match="after.")
    before = page.ask("before.", model=MODEL)
    until(lambda: before.final, "the first answer", world.output)
    long = page.ask("long.", model=MODEL)
    until(lambda: len(long.text.split()) > 30, "it streams", world.output)
    processes = (world.pid_of("web"), world.pid_of("worker"))

    disk.fill()

    # The answer ends, says why, and what had come is on the page, also on another one.
    until(lambda: long.status == "failed", "storage full", world.output)
    until(lambda: long.final, "its text", world.output)
    assert long.final is not None
    assert LONG.startswith(long.final)
    assert len(long.final.split()) > 30
    with a_page(world) as other:
        later = other.follow(long)
        until(lambda: later.final == long.final, "a page opened later", world.output)

    # Writes are refused in words, wherever they come from.
    until(lambda: refusal(world), "507", world.output)
    assert refusal(world) == {"code": "storage_full", "message": storage.FULL}
    until(
        lambda: page.errors or page.say(
            {"type": "send", "client_message_id": secrets.token_hex(8), "text": "x" * 9000}
        ),
        "the socket refuses", world.output,
    )  # fmt: skip
    assert (page.errors[0]["code"], page.errors[0]["message"]) == (
        "storage_full",
        storage.FULL,
    )
    ready = requests.get(f"{world.url}/readyz", timeout=10)
    assert (ready.status_code, ready.json()["parts"]["storage"]) == (503, "failed")

    # Reads go on, with a banner.
    assert world.run(before)["text"] == "short and sweet"
    shown = world.session.get(f"{world.url}/", timeout=10)
    assert shown.status_code == 200
    assert storage.FULL.replace("'", "&#x27;") in shown.text

    if kind == "sqlite":
        file = f"file:{disk.path}/data/maestro.sqlite3?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert sign_in(world).status_code == 507

    disk.make_room()

    # What was kept in memory is stored, and nothing had to be restarted.
    until(
        lambda: world.run(long)["status"] == "failed",
        "the answer is stored",
        world.output,
    )
    assert world.run(long)["text"] == long.final
    assert world.run(long)["error"]["message"] == storage.ENDED
    after = page.ask("after.", model=MODEL)
    until(lambda: after.final, "the next answer", world.output)
    assert world.run(after)["status"] == "done"
    until(
        lambda: requests.get(f"{world.url}/readyz", timeout=10).ok,
        "ready",
        world.output,
    )
    assert storage.FULL[:20] not in world.session.get(f"{world.url}/").text
    assert (world.pid_of("web"), world.pid_of("worker")) == processes


def sign_in(world: World) -> requests.Response:
    fresh = requests.Session()
    fresh.get(f"{world.url}/login/")
    form = {
        "username": "alice",
        "password": PASSWORD,
        "csrfmiddlewaretoken": fresh.cookies["csrftoken"],
    }
    return fresh.post(
        f"{world.url}/login/", data=form, headers={"Referer": world.url}, timeout=20
    )


def test_a_disk_without_room_for_another_name_counts_as_full(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8, inodes=4) as disk:
        assert storage.of_disk(disk.path) == ""
        for number in range(3):
            (disk.path / f"{number}").touch()
        assert storage.of_disk(disk.path) == storage.FULL
        (disk.path / "0").unlink()
        assert storage.of_disk(disk.path) == ""


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_read_only_disk_refuses_the_start_in_words(
    kind: str, disk: Disk, world: World
) -> None:
    world.stop()
    disk.remount("ro")
    world.begin()
    assert world.process.wait(30) == 78
    assert "cannot be written" in world.output()
    disk.remount("rw")
    world.start()
