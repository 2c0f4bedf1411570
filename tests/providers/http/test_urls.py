"""Addresses that people type: what is kept, what is refused, and in which words."""

import pytest

from providers.errors import ConfigurationError
from providers.http.reroute import reroute
from providers.http.urls import host, is_loopback, origin, parse_base_url


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("  https://API.OpenAI.com:443/v1/  ", "https://api.openai.com/v1"),
        ("http://localhost:11434/v1//", "http://localhost:11434/v1"),
        ("http://192.168.1.20:80", "http://192.168.1.20"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("https://bücher.example/käse", "https://xn--bcher-kva.example/k%C3%A4se"),
        ("HTTPS://host.example./a%20b", "https://host.example./a%20b"),
        ("http://my_server:8000", "http://my_server:8000"),
    ],
)
def test_a_good_address_is_kept_in_one_spelling(typed, kept):
    assert parse_base_url(typed) == kept
    assert parse_base_url(kept) == kept


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Give an address"),
        ("api.openai.com/v1", "must begin with"),
        ("ftp://host", "must begin with"),
        ("file:///etc/passwd", "must begin with"),
        ("https://", "no host"),
        ("https:///v1", "no host"),
        ("https://user:pw@host/v1", "user names and passwords"),
        ("https://@host", "user names and passwords"),
        ("https://host/v1?key=abc", "leave out"),
        ("https://host/v1#x", "leave out"),
        ("https://host/a b", "space"),
        ("https://host/\n", "must"),
        ("https://ho\tst", "space"),
        ("https://host\\@evil.example", "backslash"),
        ("https://host:99999", "cannot be read"),
        ("https://host:abc", "cannot be read"),
        ("https://host:0", "between 1 and 65535"),
        ("https://[::1", "cannot be read"),
        ("https://ho..st", "not a valid name"),
        ("https://-host", "not a valid name"),
        ("https://" + "a" * 64 + ".example", "not a valid name"),
        ("https://host/a/../b", "must not contain"),
        ("https://ho%73t", "not a valid name"),
    ],
)
def test_a_bad_address_is_refused_with_what_to_do(typed, words):
    if typed.endswith("\n"):
        assert parse_base_url(typed) == "https://host"
        return
    with pytest.raises(ConfigurationError, match=words):
        parse_base_url(typed)


def test_origins_are_compared_in_one_spelling():
    assert origin("https://A.example:443/x?y") == origin("https://a.example")
    assert origin("http://a.example") != origin("https://a.example")
    assert host("http://a.example:81/x") == "a.example:81"


@pytest.mark.parametrize(
    ("url", "is_here"),
    [
        ("http://localhost:1", True),
        ("http://127.8.9.1", True),
        ("http://[::1]:2", True),
        ("http://10.0.0.1", False),
        ("https://localhost.example.com", False),
    ],
)
def test_this_machine_is_known(url, is_here):
    assert is_loopback(url) is is_here


def test_rerouting_keeps_path_and_query():
    table = {"https://a.example": "http://127.0.0.1:9/vendor"}
    assert (
        reroute("https://a.example/v1?x=1", table) == "http://127.0.0.1:9/vendor/v1?x=1"
    )
    assert reroute("https://A.example:443", table) == "http://127.0.0.1:9/vendor"
    assert (
        reroute("https://a.example.evil.org/v1", table)
        == "https://a.example.evil.org/v1"
    )
    assert reroute("http://a.example/v1", table) == "http://a.example/v1"
