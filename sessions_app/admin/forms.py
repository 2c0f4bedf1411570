"""The forms of the credential admin. A key goes in and never comes out again."""

from __future__ import annotations

from typing import Any

from django import forms

from providers import resolver
from providers.names import MAX_API_KEY
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.models.team import Team
from sessions_app.services.credentials.inputs import MAX_URL, MAX_WORD


def _key_field(label: str, *, required: bool) -> forms.CharField:
    # render_value=False: a form that comes back with an error comes back without the key.
    widget = forms.PasswordInput(
        render_value=False,
        attrs={"autocomplete": "off", "class": "vTextField", "spellcheck": "false"},
    )
    return forms.CharField(
        label=label, required=required, max_length=MAX_API_KEY, widget=widget
    )


def _provider_choices() -> list[tuple[str, str]]:
    offers = [m for m in resolver.providers().values() if m.api_key is not None]
    return [(m.slug, m.label) for m in sorted(offers, key=lambda m: m.label.lower())]


def _text(label: str, size: int, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=size,
        help_text=help_text,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


class AddKeyForm(forms.Form):
    """A new API key. Fields are the arguments of `add_api_key`."""

    provider = forms.ChoiceField(choices=_provider_choices)
    name = forms.CharField(
        max_length=100,
        help_text="3 to 50 of a to z, 0 to 9, “_” and “-”; a handle for everyone here.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    api_key = _key_field("API key", required=False)
    base_url = _text(
        "base URL", MAX_URL, "Only for a server of your own, or a compatible one."
    )
    organization = _text("organization", MAX_WORD)
    project = _text("project", MAX_WORD)
    team = forms.ModelChoiceField(
        queryset=Team.objects.all(),
        required=False,
        empty_label="personal",
        label="share with team",
        help_text="A team you are in.",
    )
    is_shared_with_everyone = forms.BooleanField(
        required=False, label="share with everyone"
    )


class RotateKeyForm(forms.Form):
    """A new key for a credential; the address is changed only together with it."""

    api_key = _key_field("new API key", required=True)
    base_url = _text("base URL", MAX_URL)

    def __init__(self, *args: Any, credential: SavedAuthentication, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["base_url"].initial = credential.base_url


class ShareForm(forms.Form):
    """Whom a credential is shared with."""

    team = forms.ModelChoiceField(
        queryset=Team.objects.none(),
        required=False,
        empty_label="no team",
        label="share with team",
        help_text="Its owner must be a member.",
    )
    is_shared_with_everyone = forms.BooleanField(
        required=False, label="share with everyone"
    )

    def __init__(self, *args: Any, credential: SavedAuthentication, **kwargs: Any):
        super().__init__(*args, **kwargs)
        teams = Team.objects.all()
        if credential.owner_id:
            teams = teams.filter(memberships__user=credential.owner_id)
        field = self.fields["team"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = teams
        field.initial = credential.team_id
        everyone = self.fields["is_shared_with_everyone"]
        everyone.initial = credential.is_shared_with_everyone
