"""The forms of a login at a vendor. What is pasted goes in and never comes out again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import User

from providers import provider as interface
from providers import resolver
from providers.oauth.login import MAX_ANSWER, LoginMethod
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.models.team import Team
from sessions_app.services import teams

_MODES = {
    "auto": "decided by the account",
    "chatgpt": "ChatGPT mode",
    "api_key": "API-key mode",
}


@dataclass(frozen=True, slots=True)
class Offered:
    """A way to log in, with its vendor."""

    provider: str
    label: str
    method: LoginMethod

    @property
    def value(self) -> str:
        """As the form sends it."""
        return f"{self.provider}/{self.method.key}"


def offers() -> list[Offered]:
    """Every way of every installed vendor; `method.refusal` says why one is not offered."""
    found = sorted(resolver.providers().values(), key=lambda m: m.label.lower())
    return [
        Offered(manifest.slug, manifest.label, method)
        for manifest in found
        for method in interface.login_methods(manifest.slug)
    ]


def _choices(found: list[Offered]) -> list[tuple[str, str]]:
    return [
        (o.value, f"{o.label}: {o.method.label}") for o in found if not o.method.refusal
    ]


def _mode_choices(found: list[Offered]) -> list[tuple[str, str]]:
    modes = list(dict.fromkeys(mode for o in found for mode in o.method.modes))
    return [("", "the usual one"), *((mode, _MODES.get(mode, mode)) for mode in modes)]


class _MethodForm(forms.Form):
    """Vendor and way in one choice, and the mode where the vendor has several."""

    method = forms.ChoiceField(label="Log in with", widget=forms.RadioSelect)
    mode = forms.ChoiceField(
        required=False, help_text="Only for logins that have several modes."
    )

    def _offer(self, found: list[Offered]) -> None:
        method, mode = self.fields["method"], self.fields["mode"]
        assert isinstance(method, forms.ChoiceField)
        assert isinstance(mode, forms.ChoiceField)
        method.choices = _choices(found)
        method.initial = next((value for value, _ in _choices(found)), None)
        mode.choices = _mode_choices(found)
        if len(_mode_choices(found)) == 1:
            del self.fields["mode"]

    def clean(self) -> dict[str, Any]:
        """The arguments of `logins.begin`."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if "method" in values:
            provider, _, method = values["method"].partition("/")
            values |= {"provider": provider, "method": method}
        return values


class LoginForm(_MethodForm):
    """A new login under a name."""

    name = forms.CharField(
        max_length=100,
        help_text="3 to 50 of a to z, 0 to 9, “_” and “-”; a handle for everyone here.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    team = forms.ModelChoiceField(
        queryset=Team.objects.none(),
        required=False,
        empty_label="personal",
        label="share with team",
        help_text="A team you are in.",
    )
    is_shared_with_everyone = forms.BooleanField(
        required=False, label="share with everyone"
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._offer(offers())
        team = self.fields["team"]
        assert isinstance(team, forms.ModelChoiceField)
        team.queryset = teams.teams_of(user=user)


class LoginAgainForm(_MethodForm):
    """The same for a credential that is there: a personal one stays one."""

    def __init__(self, *args: Any, credential: SavedAuthentication, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._offer(
            [
                o
                for o in offers()
                if o.provider == credential.provider
                and o.method.is_personal == credential.is_personal
            ]
        )
        if "mode" in self.fields:
            chosen = str(credential.metadata.get("mode_choice", ""))
            self.fields["mode"].initial = chosen


class AnswerForm(forms.Form):
    """A code, `code#state`, or the address of the page that failed to open."""

    # render_value=False: an answer that was refused is not sent back.
    answer = forms.CharField(
        label="Code or address",
        max_length=MAX_ANSWER,
        widget=forms.PasswordInput(
            render_value=False,
            attrs={"autocomplete": "off", "class": "vTextField", "spellcheck": "false"},
        ),
    )
