"""Several named credentials per provider and type; who sees and may change which."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from providers.errors import ConfigurationError
from sessions_app.errors import Invalid, NameTaken, NotAllowed, NotFound
from sessions_app.models import SavedAuthentication
from sessions_app.sealing import key_files
from sessions_app.services import credentials
from tests.sessions_app.factories import make_credential, make_team, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vendor")]


def add(user, name="work", **fields):
    defaults = {"provider": "openai", "api_key": "sk-one"}
    return credentials.add_api_key(user=user, name=name, **defaults | fields)


def test_a_person_has_several_named_keys_of_one_vendor(alice):
    add(alice, "work")
    add(alice, "Home Lab")

    assert [row.name for row in credentials.list_credentials(user=alice)] == [
        "home_lab",
        "work",
    ]


def test_the_database_itself_refuses_a_second_row_of_one_name():
    make_credential(name="work")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_credential(name="work")
    make_credential(name="work", auth_type="oauth")
    make_credential(name="work", provider="gemini")


def test_the_key_is_encrypted_in_the_row(alice):
    row = SavedAuthentication.objects.get(pk=add(alice, api_key="sk-canary-1").pk)

    assert "sk-canary-1" not in row.secrets
    assert row.as_credential().secret("api_key") == "sk-canary-1"
    assert "sk-canary-1" not in repr(row.as_credential())


@pytest.mark.parametrize("name", ["", "   ", "\n\t ", "ab", "x" * 51, "a/b", "né e"])
def test_it_refuses_a_name_and_saves_nothing(alice, name):
    with pytest.raises(Invalid) as caught:
        add(alice, name)
    assert caught.value.field == "name"
    assert not SavedAuthentication.objects.exists()


def test_a_name_that_someone_else_took_is_refused_without_saying_whose(alice, bob):
    add(alice, "work")

    with pytest.raises(NameTaken) as caught:
        add(bob, "Work")
    assert caught.value.field == "name"
    assert "alice" not in caught.value.message
    assert SavedAuthentication.objects.get().owner == alice


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"api_key": ""}, "api_key"),
        ({"api_key": "two words"}, "api_key"),
        ({"api_key": "sk-ü"}, "api_key"),
        ({"api_key": "k" * 10_000}, "api_key"),
        ({"provider": "nobody"}, "provider"),
        ({"provider": "server", "api_key": ""}, "base_url"),
        ({"provider": "fixed", "base_url": "https://other.test"}, "base_url"),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"base_url": "https://u:p@x.test"}, "base_url"),
        ({"base_url": "https://x.test/" + "a" * 600}, "base_url"),
        ({"organization": "a\r\nX-Evil: 1"}, "organization"),
        ({"project": "p" * 101}, "project"),
        ({"team": "no-uuid"}, "team"),
        ({"team": uuid4()}, "team"),
    ],
)
def test_it_refuses_bad_input_by_field_and_saves_nothing(alice, given, field):
    with pytest.raises(Invalid) as caught:
        add(alice, **given)
    assert caught.value.field == field
    assert not SavedAuthentication.objects.exists()


def test_a_server_of_ones_own_needs_no_key(alice):
    row = add(
        alice, provider="server", api_key="", base_url="http://127.0.0.1:11434/v1/"
    )

    assert row.base_url == "http://127.0.0.1:11434/v1"
    assert row.as_credential().secrets == {}


def test_nobody_signed_in_adds_and_sees_nothing(alice):
    add(alice, is_shared_with_everyone=False)

    with pytest.raises(NotAllowed):
        add(AnonymousUser(), "other")
    assert not credentials.list_credentials(user=AnonymousUser()).exists()


def test_who_sees_what(alice, bob, charlie, staff, team):
    own = make_credential(owner=alice, name="own")
    teams = make_credential(owner=alice, name="teams", team=team)
    everyones = make_credential(owner=staff, name="all", is_shared_with_everyone=True)
    old = make_credential(name="old")

    def seen(user):
        return set(credentials.list_credentials(user=user))

    assert seen(alice) == {own, teams, everyones}
    assert seen(bob) == {teams, everyones}
    assert seen(charlie) == {everyones}
    assert seen(staff) == {everyones, old}


def test_a_member_of_two_teams_sees_a_credential_once(alice, bob, team):
    make_team(alice, bob)
    make_credential(owner=alice, team=team)

    assert credentials.list_credentials(user=bob).count() == 1


CHANGES = [
    lambda user, pk: credentials.rotate_key(user=user, credential_id=pk, api_key="n"),
    lambda user, pk: credentials.share_credential(user=user, credential_id=pk),
    lambda user, pk: credentials.delete_credential(user=user, credential_id=pk),
]
USES = [
    lambda user, pk: credentials.check_credential(user=user, credential_id=pk),
    lambda user, pk: credentials.models_for(user=user, credential_id=pk),
    lambda user, pk: credentials.credential_for(user=user, credential_id=pk),
]


@pytest.mark.parametrize("call", CHANGES + USES)
def test_a_foreign_id_is_not_found_and_nothing_is_sent(call, alice, charlie, vendor):
    row = make_credential(owner=alice)

    with pytest.raises(NotFound) as foreign:
        call(charlie, row.pk)
    with pytest.raises(NotFound) as missing:
        call(charlie, uuid4())
    assert foreign.value.message == missing.value.message
    assert vendor.seen == []
    assert SavedAuthentication.objects.get().secrets == row.secrets


@pytest.mark.parametrize("call", CHANGES + USES)
@pytest.mark.parametrize("bad", ["", "x", "0", 7, None])
def test_a_malformed_id_is_not_found_either(call, alice, bad):
    with pytest.raises(NotFound):
        call(alice, bad)


@pytest.mark.parametrize("call", CHANGES)
def test_bob_may_use_what_the_team_shares_and_not_change_it(call, alice, bob, team):
    row = make_credential(owner=alice, team=team)

    assert credentials.check_credential(user=bob, credential_id=row.pk).is_ok
    with pytest.raises(NotAllowed):
        call(bob, row.pk)
    row.refresh_from_db()
    assert row.team == team


@pytest.mark.parametrize("call", CHANGES)
def test_staff_may_change_what_anybody_owns(call, alice, staff):
    call(staff, make_credential(owner=alice).pk)


def test_a_new_key_replaces_the_old_one_and_clears_the_refusal(alice):
    row = make_credential(owner=alice, state="rejected", cause="refused")

    credentials.rotate_key(user=alice, credential_id=row.pk, api_key=" sk-new\n")

    row.refresh_from_db()
    assert row.as_credential().secret("api_key") == "sk-new"
    assert (row.state, row.cause) == ("ok", "")


def test_a_login_has_no_key_to_replace(alice):
    row = make_credential(owner=alice, auth_type="oauth", secrets={"access_token": "t"})

    with pytest.raises(Invalid):
        credentials.rotate_key(user=alice, credential_id=row.pk, api_key="sk-new")
    row.refresh_from_db()
    assert row.unseal() == {"access_token": "t"}


def test_an_empty_new_key_is_refused_and_the_old_one_stays(alice):
    row = make_credential(owner=alice)
    with pytest.raises(Invalid):
        credentials.rotate_key(user=alice, credential_id=row.pk, api_key="  ")
    row.refresh_from_db()
    assert row.as_credential().secret("api_key") == "sk-test-key"


def test_sharing_goes_to_the_team_and_back(alice, bob, team):
    row = make_credential(owner=alice)

    credentials.share_credential(user=alice, credential_id=row.pk, team=team.pk)
    assert credentials.list_credentials(user=bob).get() == row
    credentials.share_credential(user=alice, credential_id=row.pk)
    assert not credentials.list_credentials(user=bob).exists()


def test_only_a_team_of_the_owner_can_be_shared_with(alice, staff):
    theirs = make_team(make_user(), name="Others")
    row = make_credential(owner=alice)

    for user in (alice, staff):
        with pytest.raises(Invalid, match="member"):
            credentials.share_credential(user=user, credential_id=row.pk, team=theirs)
    row.refresh_from_db()
    assert row.team is None


def test_only_staff_shares_with_everyone(alice, charlie, staff, team):
    row = make_credential(owner=alice)

    with pytest.raises(NotAllowed):
        credentials.share_credential(
            user=alice, credential_id=row.pk, is_shared_with_everyone=True
        )
    with pytest.raises(NotAllowed):
        add(alice, is_shared_with_everyone=True)
    with pytest.raises(Invalid):
        credentials.share_credential(
            user=staff, credential_id=row.pk, team=team, is_shared_with_everyone=True
        )
    credentials.share_credential(
        user=staff, credential_id=row.pk, is_shared_with_everyone=True
    )
    assert credentials.list_credentials(user=charlie).get() == row


def test_deleting_frees_the_name(alice):
    row = add(alice, "work")
    credentials.delete_credential(user=alice, credential_id=row.pk)

    assert not SavedAuthentication.objects.exists()
    add(alice, "work")


def test_a_name_leads_to_one_credential_or_asks_which(alice, charlie):
    row = make_credential(owner=alice, name="work")
    assert credentials.find_credential(user=alice, name="work") == row
    with pytest.raises(NotFound):
        credentials.find_credential(user=charlie, name="work")

    make_credential(owner=alice, name="work", provider="gemini")
    with pytest.raises(Invalid):
        credentials.find_credential(user=alice, name="work")
    found = credentials.find_credential(user=alice, name="work", provider="gemini")
    assert found.provider == "gemini"


def test_with_lost_or_foreign_keys_nothing_is_saved(alice, settings, tmp_path):
    row = make_credential(owner=alice)
    settings.MAESTRO_ENCRYPTION_KEYS = [key_files.new_key()]
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="restore the key file"):
            add(alice, "other")
        with pytest.raises(ConfigurationError, match="restore the key file"):
            credentials.rotate_key(user=alice, credential_id=row.pk, api_key="sk-new")
        settings.MAESTRO_ENCRYPTION_KEYS = []
        settings.MAESTRO_KEY_FILE = tmp_path / "gone"

    assert SavedAuthentication.objects.get().secrets == row.secrets
