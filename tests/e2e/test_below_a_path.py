"""F41: behind nginx, below a path of a larger site, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import ask, finished, last_answer, ready
from tests.e2e.started import Started
from tests.e2e.windows import DESKTOP, watch
from tests.scale.nginx import Nginx


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """An installation at /team/chat/ of nginx."""
    nginx = Nginx()
    found = Started(
        tmp_path_factory.mktemp("below") / "data",
        public_url=f"http://127.0.0.1:{nginx.port}/team/chat",
        MAESTRO_TRUSTED_PROXIES="127.0.0.1",
    )
    nginx.start([found.port], path="/team/chat/")
    yield found
    nginx.close()
    found.stop()


def test_everything_works_below_a_path(below: Started, chromium: Browser) -> None:
    context = chromium.new_context(viewport=DESKTOP)
    troubles: list[str] = []
    page = context.new_page()
    watch(page, below.url, troubles)
    below.set_up(page)
    assert page.url == f"{below.url}/"
    ready(page)
    ask(page, "Who is below?")
    finished(page)
    expect(last_answer(page)).to_contain_text("You asked: Who is below?")
    assert "/team/chat/c/" in page.url
    page.reload()
    expect(last_answer(page)).to_contain_text("Who is below?")
    for path in (
        "/credentials/",
        "/admin/",
        "/admin/sessions_app/savedauthentication/",
    ):
        answer = page.goto(below.url + path)
        assert answer is not None and answer.status == 200
        assert page.url == below.url + path
    page.goto(f"{below.url}/nothing/here")
    page.get_by_role("link", name="Go to the chat").click()
    ready(page)
    troubles = [t for t in troubles if "404" not in t]
    assert not troubles
    context.close()

    context = below.sign_in(chromium)
    context.close()
