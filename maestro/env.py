"""Every setting an operator may give, in one table: name, type, default, unit, meaning.

`settings.py` reads values through it, `docs/settings.md` is made from it, and
`manage.py config` prints what is in force. Each may also come from a file named by
`<NAME>_FILE` (Docker secrets). An unreadable value stops the start with one line that
names the variable, never its value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import environ

Kind = Literal["str", "bool", "int", "float", "list", "dict"]


class SettingError(Exception):
    """A MAESTRO_* variable that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable. `default` None means "worked out", as `meaning` says."""

    name: str
    kind: Kind
    default: Any
    meaning: str
    is_secret: bool = False


_TABLE = (
    Setting("MAESTRO_DATA", "str", None, "Data directory: database, keys, static files. Default: `data/` in the checkout."),
    Setting("MAESTRO_URL", "str", "http://127.0.0.1:8000", "The one public URL. Hosts, CSRF origins, websocket origins, redirects and cookie flags follow from it."),
    Setting("MAESTRO_EXTRA_ORIGINS", "list", [], "More origins that may use this installation, comma separated (`https://chat.lan:8443`)."),
    Setting("MAESTRO_TRUSTED_PROXIES", "list", [], "Addresses or networks (`10.0.0.0/24`) of reverse proxies whose `X-Forwarded-*` headers count, comma separated."),
    Setting("MAESTRO_SECRET_KEY", "str", None, "Signs sessions and queue payloads. Default: made once in the data directory, mode 0600.", is_secret=True),
    Setting("MAESTRO_ENCRYPTION_KEYS", "list", [], "Keys that encrypt saved secrets, newest first, comma separated (32 bytes, URL-safe base64). Default: the key file.", is_secret=True),
    Setting("MAESTRO_KEY_FILE", "str", None, "File with the encryption keys, one a line, newest first, mode 0600. Default: `keys/encryption.keys` in the data directory."),
    Setting("MAESTRO_DATABASE_URL", "str", "", "`postgres://user:password@host/name`. Default: SQLite in the data directory.", is_secret=True),
    Setting("MAESTRO_REDIS_URL", "str", "", "`redis://host:6379/0` for the channel layer. Default: in memory, which serves exactly one web process.", is_secret=True),
    Setting("MAESTRO_DEBUG", "bool", False, "Django's debug pages. Never on a machine others can reach."),
    Setting("MAESTRO_LOG_FORMAT", "str", "auto", "`json`, `text`, or `auto`: text on a terminal, JSON lines otherwise."),
    Setting("MAESTRO_LOG_LEVEL", "str", "INFO", "`DEBUG`, `INFO`, `WARNING` or `ERROR`."),
    Setting("MAESTRO_DEMO", "bool", True, "Offer the demo credentials at the first start without any saved credential; false removes those there are."),
    Setting("MAESTRO_DEMO_CONTROL", "bool", False, "Let tests steer the demo's emulator. It shows recent questions to anybody on this machine."),
    Setting("MAESTRO_HTTP_PROXY", "str", "", "Proxy for calls to vendors. The usual proxy variables are ignored on purpose.", is_secret=True),
    Setting("MAESTRO_CA_BUNDLE", "str", "", "File with certificate authorities for calls to vendors. Default: the `certifi` bundle."),
    Setting("MAESTRO_CONNECT_TIMEOUT_S", "float", 10.0, "Seconds to connect to a vendor."),
    Setting("MAESTRO_READ_TIMEOUT_S", "float", 60.0, "Seconds to wait for the next byte of a plain (not streamed) answer."),
    Setting("MAESTRO_IDLE_TIMEOUT_S", "float", 300.0, "Seconds a stream may be silent before it counts as stalled."),
    Setting("MAESTRO_REROUTE", "dict", {}, "Send whole origins elsewhere, for checks against the emulator: `https://api.openai.com=http://127.0.0.1:9999/openai,…`."),
    Setting("MAESTRO_MAX_CONCURRENT_RUNS", "int", 100, "Answers in progress at once in one web process; more wait in the queue."),
    Setting("MAESTRO_MAX_CONCURRENT_AUDITS", "int", 4, "Code audits at work at once in one process; more wait. One person has at most three."),
    Setting("MAESTRO_RETRY_ATTEMPTS", "int", 5, "Requests for one answer, the first included, while nothing of it was shown (docs/retries.md). 1 never repeats."),
    Setting("MAESTRO_RETRY_TOTAL_S", "float", 180.0, "Seconds from the first request after which no other is begun."),
    Setting("MAESTRO_WORKSPACE", "str", "", "Directory that tools may read, change and run commands in. Without one, those tools do not exist."),
    Setting("MAESTRO_SHELL_WITHOUT_SANDBOX", "bool", False, "Let the shell tool run where this machine offers no sandbox: commands then see what the server's user sees, its keys included."),
    Setting("MAESTRO_TOOL_TIMEOUT_S", "float", 120.0, "Seconds a tool may take."),
    Setting("MAESTRO_MCP_FILE", "str", "", "JSON file that names MCP servers whose tools are offered (docs/mcp.md). It decides which programs are started: keep it writable for administrators only."),
    Setting("MAESTRO_MCP_TIMEOUT_S", "float", 60.0, "Seconds a call to an MCP server may take, unless the file says otherwise."),
    Setting("MAESTRO_MCP_CONNECT_S", "float", 30.0, "Seconds in which an MCP server must have answered and listed its tools."),
    Setting("MAESTRO_MCP_REFRESH_S", "float", 300.0, "Seconds after which the tools of an MCP server are listed again."),
    Setting("MAESTRO_MAX_STEPS", "int", 25, "Model responses in one run; then it ends."),
    Setting("MAESTRO_MAX_RUN_S", "float", 3600.0, "Seconds of one run, after which it is ended, also in the middle of an answer."),
    Setting("MAESTRO_MAX_RUN_TOKENS", "int", 2_000_000, "Tokens of one run after which no further step begins."),
    Setting("MAESTRO_MAX_RUN_USD", "float", 10.0, "Estimated cost of one run after which no further step begins."),
    Setting("MAESTRO_LIMITS", "dict", {}, "Default limits a day, `person.requests=500,person.cost=20,installation.cost=300`: person, credential, team or installation, and requests, tokens, cost (US dollars) or runs (answers at once). `person.runs=50` holds unless another, or `none`, is given. Rules in the admin come first (docs/limits.md)."),
    Setting("MAESTRO_USAGE_TIME_ZONE", "str", "UTC", "Time zone in which a day of limits and usage begins and ends."),
    Setting("MAESTRO_RESERVE_OUTPUT_TOKENS", "int", 2000, "Tokens of an answer that are reserved before it is asked for, where a limit of tokens or cost holds."),
    Setting("MAESTRO_KEEP_USAGE_DAYS", "int", 400, "Days for which usage by day is kept."),
    Setting("MAESTRO_KEEP_REQUESTS_DAYS", "int", 30, "Days for which the exact requests to vendors are kept for their owners to read. 0 keeps none."),
    Setting("MAESTRO_KEEP_LOGS_DAYS", "int", 1, "Days for which the events of a finished answer are kept beside the answer itself, for pages that were away meanwhile."),
    Setting("MAESTRO_KEEP_BROKEN_LOGS_DAYS", "int", 30, "Days for which the events of an answer that broke off are kept: so long it can be gone on with."),
    Setting("MAESTRO_KEEP_SIGN_INS_DAYS", "int", 90, "Days for which sign-ins and refused ones are kept, with their addresses. 0 keeps none."),
    Setting("MAESTRO_KEEP_AUDITS_DAYS", "int", 365, "Days for which reports of code audits are kept. 0 keeps them until their owners delete them."),
    Setting("MAESTRO_KEEP_AUDIT_SOURCES", "bool", True, "Keep code that was pasted, chosen or given to `audit_code` with its audit, so that it can be audited again."),
    Setting("MAESTRO_KEEP_COPIES", "int", 3, "Copies of the SQLite database that are kept from before migrations; at least 1."),
    Setting("MAESTRO_MAX_BODY_BYTES", "int", 2_000_000, "Largest request body, in bytes."),
    Setting("MAESTRO_MAX_FILE_BYTES", "int", 20_000_000, "Largest file that can be added to a context, in bytes."),
    Setting("MAESTRO_CATALOGUE_FILE", "str", "", "JSON file that adds to or overrides the built-in catalogue of models and prices."),
    Setting("MAESTRO_LOGIN_LISTENER", "str", "auto", "Wait for the answer of a vendor's login on a loopback port: `true`, `false`, or `auto`: when `MAESTRO_URL` is on this machine. Otherwise people paste the answer."),
    Setting("MAESTRO_OPENAI_OAUTH_CLIENT_ID", "str", "", "Another OAuth client for OpenAI logins. Default: the public client of OpenAI's own command line program."),
    Setting("MAESTRO_ANTHROPIC_OAUTH_CLIENT_ID", "str", "", "Another OAuth client for Anthropic logins. Default: the published one."),
    Setting("MAESTRO_ANTHROPIC_OAUTH_SCOPES", "str", "", "Scopes for Anthropic logins, separated by spaces. Default: what answers and the account's name need."),
    Setting("MAESTRO_ANTHROPIC_SUBSCRIPTION_LOGIN", "bool", False, "Offer logins with a Claude subscription. Anthropic's terms do not allow it to other products; only with an agreement of your own."),
    Setting("MAESTRO_GEMINI_OAUTH_CLIENT_ID", "str", "", "Your own Google OAuth client, which makes Gemini logins possible (docs/logins.md)."),
    Setting("MAESTRO_GEMINI_OAUTH_CLIENT_SECRET", "str", "", "The client's secret.", is_secret=True),
    Setting("MAESTRO_GEMINI_OAUTH_SCOPES", "str", "", "Scopes for Gemini logins, separated by spaces. Default: those of Google's OAuth quickstart, with the account's address."),
    Setting("MAESTRO_GEMINI_OAUTH_WEB_CLIENT", "bool", False, "The client is of type “Web application” and `MAESTRO_URL/oauth/callback/gemini/` is registered with it. Default: a desktop client."),
    Setting("MAESTRO_GEMINI_PROJECT", "str", "", "Google Cloud project that Gemini logins are counted to (`x-goog-user-project`)."),
    Setting("MAESTRO_METRICS_TOKEN", "str", "", "Bearer token for `/metrics`. Without one, `/metrics` does not exist.", is_secret=True),
    Setting("MAESTRO_SSO_ISSUER", "str", "", "OpenID Connect issuer for single sign-on, such as `https://id.example.org` (docs/sso.md). Without one there is none."),
    Setting("MAESTRO_SSO_CLIENT_ID", "str", "", "The client that the issuer knows us by. Its redirect address is `MAESTRO_URL/sso/callback/`."),
    Setting("MAESTRO_SSO_CLIENT_SECRET", "str", "", "The client's secret; a public client has none.", is_secret=True),
    Setting("MAESTRO_SSO_LABEL", "str", "single sign-on", "How the issuer is named on the sign-in page."),
    Setting("MAESTRO_SSO_DOMAINS", "list", [], "Domains of e-mail addresses whose people may come in without an invitation, if the issuer verified the address. None: only who was invited or has connected an account."),
    Setting("MAESTRO_SSO_TEAM", "str", "", "Name of the team that such people join."),
    Setting("MAESTRO_SSO_PASSWORDS", "bool", True, "Passwords for everybody; false leaves them to those with all rights, for the day the issuer is away."),
    Setting("MAESTRO_SESSION_AGE_S", "int", 1_209_600, "Seconds until a person must sign in again."),
)  # fmt: skip

SETTINGS = {setting.name: setting for setting in _TABLE}

MAX_DAYS = 36_500

_env = environ.FileAwareEnv()


def read(name: str) -> Any:
    """The value of a setting, in its type. Raises SettingError, KeyError if unknown."""
    setting = SETTINGS[name]
    if name not in _env.ENVIRON and f"{name}_FILE" not in _env.ENVIRON:
        return setting.default
    try:
        value = getattr(_env, setting.kind)(name)
    except Exception as exc:  # django-environ raises several kinds, some with the value
        raise SettingError(
            f"{name} cannot be read as {setting.kind} ({type(exc).__name__})."
        ) from None
    if setting.kind in ("int", "float"):
        _check_number(name, value)
    return value.strip() if isinstance(value, str) else value


def _check_number(name: str, value: float) -> None:
    """No setting means anything below nothing; kept for -1 days would be "keep none"."""
    if not value >= 0:
        raise SettingError(f"{name} must be 0 or more.")
    if name.endswith("_DAYS") and value > MAX_DAYS:
        raise SettingError(f"{name} is at most {MAX_DAYS} days: a hundred years.")


def as_markdown() -> str:
    """The table of docs/settings.md."""
    rows = ["| variable | type | default | meaning |", "|---|---|---|---|"]
    for setting in _TABLE:
        default = (
            "" if setting.default in (None, "", [], {}) else f"`{setting.default}`"
        )
        secret = " Secret." if setting.is_secret else ""
        rows.append(
            f"| `{setting.name}` | {setting.kind} | {default} | {setting.meaning}{secret} |"
        )
    return "\n".join(rows) + "\n"
