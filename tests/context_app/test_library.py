"""The library: versions that stay, attachments that follow, and who may do what."""

from __future__ import annotations

import pytest

from context_app.models import ContextChunk
from context_app.services import context
from sessions_app.models import Conversation, Membership, Team
from tests.sessions_app.factories import make_credential, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(client):
    user = make_user()
    client.force_login(user)
    return user


def post(client, url, **fields):
    return client.post(url, fields, content_type="application/json")


def add(client, **fields):
    fields = {"kind": "persona", "title": "Pirate", "text": "Say arr."} | fields
    response = post(client, "/api/library/", **fields)
    assert response.status_code == 200, response.content
    return response.json()["entry"]


def items(conversation, credential=None):
    return context.gather(conversation, credential).items


def test_an_entry_keeps_all_its_versions(client, person):
    entry = add(client)
    url = f"/api/library/{entry['id']}/"
    client.patch(url, {"text": "Say ahoy."}, content_type="application/json")
    found = client.get(url).json()
    assert [(v["number"], v["text"]) for v in found["versions"]] == [
        (2, "Say ahoy."),
        (1, "Say arr."),
    ]


def test_an_attachment_follows_the_newest_version_or_stays_at_one(client, person):
    entry = add(client)
    row = Conversation.objects.create(owner=person)
    url = f"/api/conversations/{row.pk}/context/"
    post(client, url, library_id=entry["id"])
    post(client, url, library_id=entry["id"], library_version=1)
    client.patch(
        f"/api/library/{entry['id']}/",
        {"text": "Say ahoy."},
        content_type="application/json",
    )
    assert [item.text for item in items(row)] == ["Say ahoy.", "Say arr."]


def test_editing_an_attachment_changes_this_conversation_only(client, person):
    entry = add(client)
    row = Conversation.objects.create(owner=person)
    url = f"/api/conversations/{row.pk}/context/"
    chunk = post(client, url, library_id=entry["id"]).json()["chunks"][0]
    client.patch(
        f"{url}{chunk['id']}/", {"text": "Mine."}, content_type="application/json"
    )
    assert [item.text for item in items(row)] == ["Mine."]
    assert ContextChunk.objects.get(pk=entry["id"]).text == "Say arr."


def test_what_is_attached_to_a_credential_reaches_every_conversation_with_it(
    client, person
):
    entry = add(client)
    credential = make_credential(owner=person)
    url = f"/api/library/{entry['id']}/attach/"
    assert post(client, url, credential_id=str(credential.pk)).status_code == 200
    row = Conversation.objects.create(owner=person)
    (item,) = items(row, credential)
    assert item.why == f"Attached to the credential “{credential.name}”."
    assert items(row, make_credential(owner=person)) == []


def test_one_conversation_may_leave_an_attachment_out(client, person):
    entry = add(client)
    credential = make_credential(owner=person)
    url = f"/api/library/{entry['id']}/attach/"
    post(client, url, credential_id=str(credential.pk))
    row = Conversation.objects.create(owner=person, credential=credential)
    other = Conversation.objects.create(owner=person, credential=credential)
    (item,) = items(row, credential)
    client.patch(
        f"/api/conversations/{row.pk}/context/{item.id}/",
        {"excluded": True},
        content_type="application/json",
    )
    assert items(row, credential)[0].is_excluded
    assert not items(other, credential)[0].is_excluded


def test_a_teams_words_reach_its_members_and_only_staff_puts_them_there(client, person):
    team = Team.objects.create(name="Blue")
    Membership.objects.create(team=team, user=person)
    entry = add(client, team_id=str(team.pk))
    url = f"/api/library/{entry['id']}/attach/"
    assert post(client, url, team_id=str(team.pk)).status_code == 403
    person.is_staff = True
    person.save()
    assert post(client, url, team_id=str(team.pk)).status_code == 200
    member = make_user()
    Membership.objects.create(team=team, user=member)
    (item,) = items(Conversation.objects.create(owner=member))
    assert item.why == "Attached to the team “Blue”."
    assert items(Conversation.objects.create(owner=make_user())) == []


def test_a_foreign_entry_is_not_there(client, person):
    entry = add(client)
    client.force_login(make_user())
    assert client.get("/api/library/").json()["entries"] == []
    url = f"/api/library/{entry['id']}/"
    assert client.get(url).status_code == 404
    assert client.delete(url).status_code == 404
    row = Conversation.objects.create(owner=make_user())
    reply = post(
        client, f"/api/conversations/{row.pk}/context/", library_id=entry["id"]
    )
    assert reply.status_code == 404


def test_a_member_reads_a_teams_entry_and_does_not_change_it(client, person):
    team = Team.objects.create(name="Blue")
    Membership.objects.create(team=team, user=person)
    entry = add(client, team_id=str(team.pk))
    member = make_user()
    Membership.objects.create(team=team, user=member)
    client.force_login(member)
    url = f"/api/library/{entry['id']}/"
    assert client.get(url).json()["entry"]["text"] == "Say arr."
    reply = client.patch(url, {"text": "x"}, content_type="application/json")
    assert reply.status_code == 403


def test_a_credential_of_somebody_else_takes_no_words(client, person):
    entry = add(client)
    foreign = make_credential(owner=make_user(), is_shared_with_everyone=True)
    url = f"/api/library/{entry['id']}/attach/"
    assert post(client, url, credential_id=str(foreign.pk)).status_code == 404


def test_what_was_attached_can_be_taken_off(client, person):
    entry = add(client)
    credential = make_credential(owner=person)
    url = f"/api/library/{entry['id']}/attach/"
    found = post(client, url, credential_id=str(credential.pk)).json()["attachment"]
    client.force_login(make_user())
    assert client.delete(f"/api/attachments/{found['id']}/").status_code == 404
    client.force_login(person)
    assert client.delete(f"/api/attachments/{found['id']}/").status_code in (200, 204)
    assert items(Conversation.objects.create(owner=person), credential) == []


def test_deleting_an_entry_takes_it_out_of_conversations(client, person):
    entry = add(client)
    row = Conversation.objects.create(owner=person)
    post(client, f"/api/conversations/{row.pk}/context/", library_id=entry["id"])
    client.delete(f"/api/library/{entry['id']}/")
    assert items(row) == []


def test_entries_are_found_by_their_words_and_say_where_they_may_go(client, person):
    entry = add(client)
    add(client, title="Other", text="Nothing of it.")
    make_credential(owner=person, name="mine")
    found = client.get("/api/library/", {"q": "arr PIR"}).json()
    (one,) = found["entries"]
    assert one["id"] == entry["id"] and one["may_change"]
    place = one["found"]
    assert [place["text"][a:b] for a, b in place["marks"]] == ["arr"]
    assert found["credentials"][0]["name"].startswith("mine")
    assert client.get("/library/").status_code == 200


def test_who_edits_an_old_version_is_told_and_overwrites_nothing(client, person):
    entry = add(client)
    url = f"/api/library/{entry['id']}/"
    json = {"content_type": "application/json"}
    assert client.patch(url, {"text": "One.", "version": 1}, **json).status_code == 200
    late = client.patch(url, {"text": "Two.", "version": 1}, **json)
    assert late.status_code == 409
    assert ContextChunk.objects.get(pk=entry["id"]).text == "One."


@pytest.fixture
def rung(monkeypatch):
    """Whose pages were told, by their ids."""
    from context_app.services import library_news

    found = []
    ring = library_news.doorbell.ring
    monkeypatch.setattr(
        library_news.doorbell,
        "ring",
        lambda group, message: (found.append(group), ring(group, message)),
    )
    return found


def test_everybody_concerned_and_nobody_else_is_told_of_a_change(
    client, person, rung, django_capture_on_commit_callbacks
):
    team = Team.objects.create(name="Blue")
    bob, charlie = make_user(), make_user()
    for user in (person, bob):
        Membership.objects.create(team=team, user=user)
    person.is_staff = True
    person.save()
    credential = make_credential(owner=charlie, is_shared_with_everyone=True)
    dora = make_user()
    Conversation.objects.create(owner=dora, credential=credential)
    entry = add(client)
    url = f"/api/library/{entry['id']}/attach/"

    def told(act):
        rung.clear()
        with django_capture_on_commit_callbacks(execute=True):
            reply = act()
        assert reply.status_code in (200, 204), reply.content
        return {int(group.removeprefix("user.")) for group in rung}, reply

    people, reply = told(lambda: post(client, url, team_id=str(team.pk)))
    assert people == {person.pk, bob.pk}
    people, _ = told(lambda: post(client, url, credential_id=str(credential.pk)))
    assert people == {charlie.pk, dora.pk}
    change = {"text": "Say ahoy."}
    people, _ = told(
        lambda: client.patch(
            f"/api/library/{entry['id']}/", change, content_type="application/json"
        )
    )
    assert people == {person.pk, bob.pk, charlie.pk, dora.pk}
    key = reply.json()["attachment"]["id"]
    people, _ = told(lambda: client.delete(f"/api/attachments/{key}/"))
    assert people == {person.pk, bob.pk}
    people, _ = told(lambda: client.delete(f"/api/library/{entry['id']}/"))
    assert people == {charlie.pk, dora.pk}
