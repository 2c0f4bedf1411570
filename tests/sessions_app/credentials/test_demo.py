"""The demo: offered once to an empty installation, gone when it is told to go."""

import pytest

from sessions_app.errors import NotAllowed
from sessions_app.models import SavedAuthentication
from sessions_app.services import credentials
from tests.sessions_app.factories import make_credential

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vendor")]

EMULATOR = "http://127.0.0.1:9100"


def names():
    return list(SavedAuthentication.objects.values_list("name", flat=True))


def test_an_empty_installation_gets_three_credentials_at_the_emulator(alice):
    assert credentials.offer_demo(emulator_url=EMULATOR + "/")

    rows = {row.name: row for row in credentials.list_credentials(user=alice)}
    assert sorted(rows) == ["demo_anthropic", "demo_gemini", "demo_openai"]
    assert {name: row.base_url for name, row in rows.items()} == {
        "demo_openai": f"{EMULATOR}/openai/v1",
        "demo_anthropic": f"{EMULATOR}/anthropic",
        "demo_gemini": f"{EMULATOR}/gemini/v1beta",
    }
    for row in rows.values():
        assert (row.is_demo, row.owner, row.is_shared_with_everyone) == (
            True,
            None,
            True,
        )
        assert row.as_credential().secret("api_key") == "demo"


def test_every_start_brings_the_address_up_to_date_and_adds_nothing():
    credentials.offer_demo(emulator_url=EMULATOR)
    assert credentials.offer_demo(emulator_url="http://127.0.0.1:9200")

    assert len(names()) == 3
    row = SavedAuthentication.objects.get(name="demo_openai")
    assert row.base_url == "http://127.0.0.1:9200/openai/v1"


def test_where_there_is_a_credential_no_demo_is_offered(alice):
    make_credential(owner=alice, name="work")
    assert not credentials.offer_demo(emulator_url=EMULATOR)
    assert names() == ["work"]


def test_a_real_credential_beside_the_demo_keeps_its_own_address(alice, vendor):
    credentials.offer_demo(emulator_url=EMULATOR)
    row = make_credential(owner=alice, name="work", secrets={"api_key": "sk-real"})
    credentials.offer_demo(emulator_url="http://127.0.0.1:9200")

    assert credentials.default_credential(user=alice) == row
    credentials.check_credential(user=alice, credential_id=row.pk)
    assert (vendor.seen, vendor.addresses) == (["sk-real"], [""])


def test_a_demo_that_a_person_removed_does_not_come_back(staff):
    credentials.offer_demo(emulator_url=EMULATOR)
    assert credentials.remove_demo(user=staff) == 3

    assert not credentials.offer_demo(emulator_url=EMULATOR)
    assert names() == []


def test_removing_the_demo_keeps_the_real_ones(staff):
    credentials.offer_demo(emulator_url=EMULATOR)
    make_credential(owner=staff, name="work")
    credentials.remove_demo(user=staff)
    assert names() == ["work"]


def test_only_staff_removes_what_is_everybodys(alice):
    credentials.offer_demo(emulator_url=EMULATOR)
    with pytest.raises(NotAllowed):
        credentials.remove_demo(user=alice)
    assert len(names()) == 3


def test_a_start_without_the_demo_withdraws_it_for_now():
    credentials.offer_demo(emulator_url=EMULATOR)
    assert credentials.withdraw_demo() == 3
    assert credentials.offer_demo(emulator_url=EMULATOR)
