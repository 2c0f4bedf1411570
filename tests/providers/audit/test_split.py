"""Large sources in pieces: nothing is lost, nothing is twice, cuts are at seams."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from providers.audit.split import (
    MAX_PIECE_TOKENS,
    UNKNOWN_PIECE_TOKENS,
    Piece,
    halves,
    piece_tokens,
    split,
)
from providers.types import Model
from tests.providers.audit.making import make_file, whole

TEXTS = st.lists(
    st.lists(st.sampled_from(["", "    x = 1", "def f():", "y" * 200]), min_size=1),
    min_size=1,
    max_size=8,
)


def lines_of(pieces: list[Piece]) -> list[tuple[str, int, str]]:
    return [
        (excerpt.file.path, line.number, line.text)
        for piece in pieces
        for excerpt in piece
        for line in excerpt.lines
    ]


@given(TEXTS, st.integers(min_value=1, max_value=2000))
def test_every_line_is_in_one_piece_in_its_order(
    texts: list[list[str]], tokens: int
) -> None:
    files = [make_file("\n".join(t) + "\n", f"{i}.py") for i, t in enumerate(texts)]
    pieces = split(files, tokens)

    assert lines_of(pieces) == lines_of([tuple(whole(f) for f in files)])
    for piece in pieces:
        for excerpt in piece:
            at = excerpt.first
            assert excerpt.file.lines[at : at + len(excerpt.lines)] == excerpt.lines


@given(TEXTS)
def test_halves_hold_what_the_whole_held(texts: list[list[str]]) -> None:
    piece = tuple(
        whole(make_file("\n".join(t) + "\n", f"{i}.py")) for i, t in enumerate(texts)
    )
    parts = halves(piece)

    if parts:
        assert lines_of(parts) == lines_of([piece])
        assert all(lines_of([part]) for part in parts)
    else:
        assert len(lines_of([piece])) == 1


def test_small_files_share_a_piece() -> None:
    files = [make_file("x = 1", f"{i}.py") for i in range(20)]

    assert len(split(files, 10_000)) == 1


def test_a_large_file_is_cut_before_a_definition() -> None:
    function = "def f():\n    a = 1\n\n    return a\n\n\n"
    pieces = split([make_file(function * 60)], 400)

    assert len(pieces) > 2
    assert {piece[0].lines[0].text for piece in pieces} == {"def f():"}


def test_the_size_of_a_piece_goes_by_the_model() -> None:
    assert piece_tokens(None) == UNKNOWN_PIECE_TOKENS
    assert piece_tokens(Model(id="m", context_window=1_000_000)) == MAX_PIECE_TOKENS
    assert piece_tokens(Model(id="m", context_window=6_000)) == 2_000
