"""The proof key: what RFC 7636 wants, fresh for every login, never the state."""

from __future__ import annotations

import math
import re

from providers.oauth import pkce


def test_the_challenge_is_that_of_the_rfc() -> None:
    # RFC 7636 appendix B
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert pkce.challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_verifier_has_the_length_and_the_letters_of_the_rfc() -> None:
    for _ in range(200):
        # A vendor of ours takes 43 to 64 characters of the 43 to 128.
        assert re.fullmatch(r"[A-Za-z0-9\-._~]{43,64}", pkce.new_verifier())


def test_a_verifier_and_a_state_have_256_bits_at_least() -> None:
    for word in (pkce.new_verifier(), pkce.new_state()):
        assert len(word) * math.log2(64) >= 256


def test_no_two_are_alike_and_no_verifier_is_a_state() -> None:
    words = [pkce.new_verifier() for _ in range(300)]
    words += [pkce.new_state() for _ in range(300)]

    assert len(set(words)) == 600


def test_every_letter_is_used() -> None:
    letters = set("".join(pkce.new_verifier() for _ in range(300)))

    assert len(letters) == 64
