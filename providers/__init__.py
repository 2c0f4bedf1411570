"""The universal provider interface: one door to every vendor.

    provider       the door; its halves: logins, chats, audit/     parameters  checked there
    sessions       a credential made ready for a call              refresh     renewed once
    resolver       finds vendors, and checks them by interface     options     the operator's
    calls          what a vendor says is to be asked; http/ asks it
    chat_stream    one response: streaming ─▶ dialects/ ─▶ events; accumulate: one message
    errors, retry  what went wrong, whether to try again; error_bodies, vendor_facts
    types, names   what crosses the interface; catalogue: what vendors do not say
    store          where credentials come from: a protocol, and one in memory
    imports        files of other programs: offers, foreign_files; local_servers
    compatible     vendors that are a manifest; compatible_models: their lists
    fail_points    where a test may let the process die; apps: the commands

    anthropic/ gemini/ openai/ …   a vendor each: login, endpoints, quirks
    oauth/                         what all logins share
    conformance/ emulator/         the rules of a provider; a stand-in for the vendors

Callers outside ask `provider` and handle its types, events and errors; a few pure helpers
(names, catalogue, redaction, addresses) are used beside it, never a vendor or a dialect.
The package knows no Django and no ORM (only its management commands do), so it also works
as a plain library.
"""

# Of the whole product: `pyproject.toml` takes it from here, vendors see it as our name.
VERSION = "0.1.0"
