"""Forwarded headers: only from proxies that were named, by address or network."""

import pytest

from maestro.env import SettingError
from maestro.proxies import TrustedProxies


async def seen(trusted, peer, *headers):
    """The client and the headers that the application gets."""
    found = {}

    async def application(scope, receive, send):
        found.update(scope)

    scope = {
        "type": "http",
        "client": (peer, 5),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    await TrustedProxies(application, trusted)(scope, None, None)
    return found["client"][0], [name.decode() for name, _ in found["headers"]]


SPOOF = ("x-forwarded-for", "203.0.113.9")


@pytest.mark.parametrize("trusted", [[], ["10.0.0.1"], ["10.0.0.0/24"]])
async def test_a_stranger_s_headers_are_taken_away(trusted):
    others = [("x-forwarded-proto", "https"), ("forwarded", "for=1"), ("host", "a")]
    found = await seen(trusted, "192.0.2.1", SPOOF, *others)
    assert found == ("192.0.2.1", ["host"])


@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        (["10.0.0.1"], "10.0.0.1"),
        (["10.0.0.0/24"], "10.0.0.77"),
        (["10.0.0.0/24"], "::ffff:10.0.0.77"),
        (["fd00::/8"], "fd12::1"),
        (["127.0.0.1", "10.0.0.0/24"], "10.0.0.9"),
    ],
)
async def test_a_proxy_says_who_asks(trusted, peer):
    assert await seen(trusted, peer, SPOOF) == ("203.0.113.9", ["x-forwarded-for"])


async def test_of_a_chain_the_last_stranger_counts():
    """What stands before it was written by the stranger."""
    chain = ("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.0.0.2")
    assert (await seen(["10.0.0.0/24"], "10.0.0.1", chain))[0] == "203.0.113.9"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("203.0.113.9:51234", "203.0.113.9"),
        ("[2001:db8::9]:51234", "2001:db8::9"),
        ("2001:db8::9", "2001:db8::9"),
        ("fe80::9%eth0", "fe80::9"),
        ("1.1.1.1, unknown", "10.0.0.1"),
        ("1.1.1.1, 10.0.0.2:80", "1.1.1.1"),
        ("_hidden", "10.0.0.1"),
        ("' OR 1=1", "10.0.0.1"),
    ],
)
async def test_only_an_address_is_an_address(said, meant):
    """With its port, each connection would be somebody else, whom no lockout knows."""
    found = await seen(["10.0.0.0/24"], "10.0.0.1", ("x-forwarded-for", said))
    assert found[0] == meant


async def test_a_socket_of_the_file_system_has_no_address():
    assert (await seen(["10.0.0.0/24"], "", SPOOF))[0] == ""


@pytest.mark.parametrize("text", ["proxy.local", "10.0.0.1/8", "10.0.0.0/40", "*"])
def test_a_setting_that_names_no_network_is_refused_by_name(text):
    with pytest.raises(SettingError, match="MAESTRO_TRUSTED_PROXIES"):
        TrustedProxies(None, [text])
