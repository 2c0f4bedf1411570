"""Testing a credential, listing its models, and what is remembered of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from providers import sessions
from providers.errors import (
    CredentialRejected,
    CredentialUnreadable,
    ProviderUnavailable,
)
from providers.types import Model
from sessions_app.errors import Invalid
from sessions_app.models import SavedAuthentication
from sessions_app.sealing import key_files
from sessions_app.services import credentials
from tests.sessions_app.factories import make_credential, make_team, make_user

pytestmark = pytest.mark.django_db

REFUSED = CredentialRejected("OpenAI does not accept this key.", provider="openai")


def check(user, row):
    result = credentials.check_credential(user=user, credential_id=row.pk)
    row.refresh_from_db()
    return result


def test_a_key_that_works_is_ok(alice, vendor):
    row = make_credential(owner=alice, state="rejected", cause="earlier")

    result = check(alice, row)

    assert (result.is_ok, result.error) == (True, None)
    assert "OpenAI" in result.message
    assert vendor.seen == ["sk-test-key"]
    assert (row.state, row.cause) == ("ok", "")
    assert row.last_checked_at > timezone.now() - timedelta(seconds=5)


def test_a_key_the_vendor_refuses_says_so(alice, vendor):
    vendor.error = REFUSED
    row = make_credential(owner=alice)

    result = check(alice, row)

    assert not result.is_ok
    assert result.error.kind == "CredentialRejected"
    assert (row.state, row.cause) == ("rejected", REFUSED.message)


@pytest.mark.parametrize("state", ["ok", "rejected"])
def test_a_vendor_that_is_away_says_nothing_about_the_key(alice, vendor, state):
    vendor.error = ProviderUnavailable("Cannot connect.", provider="openai")
    row = make_credential(owner=alice, state=state)

    assert not check(alice, row).is_ok
    assert (row.state, row.cause) == (state, "Cannot connect.")


def test_a_key_that_was_replaced_meanwhile_is_not_judged_by_the_old_one(alice, vendor):
    row = make_credential(owner=alice)

    def check_while_someone_replaces_it(client):
        credentials.rotate_key(user=alice, credential_id=row.pk, api_key="sk-new")
        raise REFUSED

    vendor.check = check_while_someone_replaces_it
    assert not check(alice, row).is_ok
    assert row.state == "ok"


def test_a_provider_that_is_not_installed_any_more_is_a_message(alice, vendor):
    row = make_credential(owner=alice, provider="gone")

    result = check(alice, row)

    assert not result.is_ok
    assert "gone" in result.message
    assert row.last_checked_at is None


def test_an_unsaved_key_is_tried_and_not_kept(alice, vendor):
    result = credentials.try_credential(user=alice, provider="openai", api_key="sk-x")
    assert result.is_ok
    vendor.error = REFUSED
    result = credentials.try_credential(user=alice, provider="openai", api_key="sk-y")

    assert not result.is_ok
    assert vendor.seen == ["sk-x", "sk-y"]
    assert not SavedAuthentication.objects.exists()
    with pytest.raises(Invalid):
        credentials.try_credential(user=alice, provider="openai", api_key="")


def test_models_are_asked_for_once_in_ten_minutes(alice, vendor):
    row = make_credential(owner=alice)

    def ids(**options):
        found = credentials.models_for(user=alice, credential_id=row.pk, **options)
        return [model.id for model in found]

    assert ids() == ids() == ["model-one"]
    assert len(vendor.seen) == 1

    vendor.models = [Model(id="model-two")]
    assert ids() == ["model-one"]
    assert ids(fresh=True) == ["model-two"]
    assert ids() == ["model-two"]


def test_a_new_key_does_not_show_the_models_of_the_old_one(alice, vendor):
    row = make_credential(owner=alice)
    credentials.models_for(user=alice, credential_id=row.pk)
    vendor.models = []

    credentials.rotate_key(user=alice, credential_id=row.pk, api_key="sk-new")

    assert list(credentials.models_for(user=alice, credential_id=row.pk)) == []
    assert vendor.seen[-1] == "sk-new"


def test_models_refused_mark_the_credential(alice, vendor):
    vendor.error = REFUSED
    row = make_credential(owner=alice)

    with pytest.raises(CredentialRejected):
        credentials.models_for(user=alice, credential_id=row.pk)
    row.refresh_from_db()
    assert row.state == "rejected"


# -- secrets that cannot be read ----------------------------------------------------


def flip(row):
    place = len(row.secrets) - 8
    other = "A" if row.secrets[place] != "A" else "B"
    changed = row.secrets[:place] + other + row.secrets[place + 1 :]
    SavedAuthentication.objects.filter(pk=row.pk).update(secrets=changed)


def swap(row):
    other = make_credential(secrets={"api_key": "sk-other"})
    SavedAuthentication.objects.filter(pk=row.pk).update(secrets=other.secrets)


def plain(row):
    SavedAuthentication.objects.filter(pk=row.pk).update(secrets='{"api_key": "k"}')


@pytest.mark.parametrize("damage", [flip, swap, plain])
def test_a_damaged_row_is_unreadable_and_nothing_is_sent(alice, vendor, damage):
    row = make_credential(owner=alice)
    damage(row)

    result = check(alice, row)

    assert result.error.kind == "CredentialUnreadable"
    assert row.state == "unreadable"
    assert vendor.seen == []
    with pytest.raises(CredentialUnreadable):
        credentials.models_for(user=alice, credential_id=row.pk)
    assert vendor.seen == []


def test_a_wrong_key_makes_rows_unreadable_and_the_right_one_heals_them(
    alice, vendor, settings
):
    settings.MAESTRO_ENCRYPTION_KEYS = keys = [key_files.new_key()]
    row = make_credential(owner=alice)
    settings.MAESTRO_ENCRYPTION_KEYS = [key_files.new_key()]

    result = check(alice, row)
    assert result.error.kind == "CredentialUnreadable"
    assert key_files.parse_key(keys[0]).id in result.message
    assert vendor.seen == []

    settings.MAESTRO_ENCRYPTION_KEYS = keys
    assert check(alice, row).is_ok
    assert row.state == "ok"


def test_the_rest_stays_readable_beside_a_damaged_row(alice, vendor):
    flip(make_credential(owner=alice))
    good = make_credential(owner=alice)

    assert check(alice, good).is_ok


# -- the default ---------------------------------------------------------------------


def test_without_a_credential_there_is_no_default(alice):
    assert credentials.default_credential(user=alice) is None


def test_the_default_is_real_then_usable_then_last_used(alice, vendor):
    now = timezone.now()
    demo = make_credential(
        name="demo_openai",
        is_demo=True,
        is_shared_with_everyone=True,
        last_used_at=now,
    )
    assert credentials.default_credential(user=alice) == demo

    first = make_credential(owner=alice, last_used_at=now - timedelta(days=2))
    assert credentials.default_credential(user=alice) == first

    make_credential(owner=alice, provider="not-installed", last_used_at=now)
    make_credential(owner=alice)
    latest = make_credential(owner=alice, last_used_at=now - timedelta(days=1))
    assert credentials.default_credential(user=alice) == latest

    SavedAuthentication.objects.filter(pk=latest.pk).update(state="rejected")
    assert credentials.default_credential(user=alice) == first


def test_what_others_lend_and_use_is_not_the_default_beside_ones_own(alice):
    """A colleague's server gets nobody's questions by being used last."""
    bob = make_user("bob")
    team = make_team(alice, bob)
    lent = make_credential(owner=bob, team=team, last_used_at=timezone.now())
    assert credentials.default_credential(user=alice) == lent
    own = make_credential(owner=alice)
    assert credentials.default_credential(user=alice) == own


def test_using_a_credential_is_remembered(alice, vendor):
    row = make_credential(owner=alice)
    credentials.models_for(user=alice, credential_id=row.pk)
    row.refresh_from_db()
    assert row.last_used_at is None  # a look at its models is not one
    sessions.find("openai", row.name, "api_key", to_use=True)
    row.refresh_from_db()
    assert row.last_used_at > timezone.now() - timedelta(seconds=5)
