"""Words of the library that change in one web process are in the panels of another."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator import EmulatorProcess
from tests.faults.refreshing import note
from tests.faults.world import Page, until
from tests.scale.installation import Door, Installation

# The first of them starts the installation: four processes and two servers.
pytestmark = pytest.mark.timeout(300)

PROMPT_S = 3.0  # nobody looks by themselves: only what is rung is heard


class Panel:
    """An open context panel: asks when it is told that something changed."""

    def __init__(self, page: Page, conversation_id: str) -> None:
        self.page = page
        self.key = conversation_id
        self.texts: list[str] = []
        self.told = 0
        take = page._take
        page._take = lambda frame: (self._hear(frame), take(frame))[1]  # type: ignore[method-assign]
        page.say({"type": "follow", "conversation_id": self.key, "positions": []})
        self.ask()
        until(lambda: self.texts, "the panel is drawn", page.world.output)

    def ask(self) -> None:
        self.page.say({"type": "context", "conversation_id": self.key})

    def _hear(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "context_changed":
            self.told += 1
            self.ask()
        elif frame["type"] == "context" and frame["conversation_id"] == self.key:
            if frame["is_whole"]:
                self.texts = [chunk["preview"] for chunk in frame["chunks"]]
            else:  # what a change of this conversation's own is told with
                self.ask()

    def shows(self, text: str) -> float:
        """Wait until it does; how long that took."""
        return until(
            lambda: text in self.texts, text, self.page.world.output, within_s=PROMPT_S
        )


def change(door: Door, method: str, path: str, **fields: Any) -> Any:
    """JSON to this process, as its pages send it."""
    answer = door.session.request(
        method, f"{door.url}{path}", json=fields, timeout=20,
        headers={"X-CSRFToken": door.session.cookies["csrftoken"], "Referer": door.url},
    )  # fmt: skip
    assert answer.ok, answer.text
    return answer.json()


def attach(door: Door, where: str, entry: str, conversation: str) -> None:
    if where == "conversation":
        path = f"/api/conversations/{conversation}/context/"
        change(door, "POST", path, library_id=entry)
        return
    (credential,) = door.get("/api/credentials/").json()["credentials"]
    path = f"/api/library/{entry}/attach/"
    change(door, "POST", path, credential_id=credential["id"])


@pytest.mark.parametrize("where", ["conversation", "credential"])
def test_an_open_panel_follows_the_library_of_another_process(
    installation: Installation,
    vendor: EmulatorProcess,
    page_there: Page,
    here: Door,
    there: Door,
    where: str,
) -> None:
    vendor.script(text="Hello.")
    asked = page_there.ask(f"library, {where}")
    until(lambda: asked.is_over, "it ends", there.output)
    panel = Panel(page_there, asked.conversation_id)
    text = f"The roof leaks, {where}."
    entry = change(here, "POST", "/api/library/", kind="text", title="Notes", text=text)
    key = entry["entry"]["id"]
    attach(here, where, key, asked.conversation_id)
    panel.shows(text)

    mended = f"The roof is mended, {where}."
    told = panel.told
    change(here, "PATCH", f"/api/library/{key}/", text=mended, version=1)
    took = panel.shows(mended)
    assert text not in panel.texts and panel.told > told
    note(f"a library's change is in another process's panel after {took:.2f} s")

    # And back: the process of the page itself changes it, the other one's page follows.
    change(there, "PATCH", f"/api/library/{key}/", text=text, version=2)
    panel.shows(text)

    change(here, "DELETE", f"/api/library/{key}/")
    until(lambda: text not in panel.texts, "it is gone", there.output, PROMPT_S)


def test_the_next_request_of_the_other_process_has_the_new_words(
    vendor: EmulatorProcess, page_there: Page, here: Door, there: Door
) -> None:
    vendor.script(text="Hello.")
    asked = page_there.ask("first")
    until(lambda: asked.is_over, "it ends", there.output)
    entry = change(
        here, "POST", "/api/library/", kind="persona", title="Poet", text="Old."
    )
    key = entry["entry"]["id"]
    attach(here, "conversation", key, asked.conversation_id)
    change(here, "PATCH", f"/api/library/{key}/", text="Speak in rhymes.", version=1)
    vendor.script(text="Tree, free.")
    again = page_there.ask("second", conversation_id=asked.conversation_id)
    until(lambda: again.is_over, "it ends", there.output)
    assert "Speak in rhymes." in str(vendor.requests()[-1]["body"])
