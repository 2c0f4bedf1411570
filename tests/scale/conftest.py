"""One installation for all scale tests: two web processes, two workers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator import EmulatorProcess
from tests.faults.world import Page, a_page
from tests.scale.installation import Door, Installation

PACE = 40  # words a second


@pytest.fixture(scope="package")
def slow_vendor() -> Iterator[EmulatorProcess]:
    process = EmulatorProcess("--pace", PACE)
    yield process
    process.stop()


@pytest.fixture(scope="package")
def installation(slow_vendor: EmulatorProcess) -> Iterator[Installation]:
    found = Installation(slow_vendor, webs=2, workers=2)
    yield found
    found.close()


@pytest.fixture
def vendor(installation: Installation) -> EmulatorProcess:
    """Nothing queued."""
    installation.vendor.reset()
    return installation.vendor


@pytest.fixture
def here(installation: Installation) -> Door:
    return installation.doors[0]


@pytest.fixture
def there(installation: Installation) -> Door:
    return installation.doors[1]


@pytest.fixture
def page_here(here: Door) -> Iterator[Page]:
    with a_page(here) as page:  # type: ignore[arg-type]
        yield page


@pytest.fixture
def page_there(there: Door) -> Iterator[Page]:
    with a_page(there) as page:  # type: ignore[arg-type]
        yield page
