"""S-34 and the rest: text out of what strangers made, within limits, or a clear word."""

from __future__ import annotations

import sys

import pytest

from context_app.documents import bounds, read
from sessions_app.errors import Conflict, Invalid
from tests.context_app import documents

reading = sys.modules["context_app.documents.read"]


def test_a_pdf_is_read_page_by_page():
    found = read("/home/me/report.pdf", documents.pdf("The roof leaks", "All dry"))
    assert found.text == "[Page 1]\nThe roof leaks\n\n[Page 2]\nAll dry"
    assert (found.name, found.pages) == ("report.pdf", 2)
    assert found.source.startswith("report.pdf, ") and "2 pages" in found.source
    assert found.media_type == "application/pdf"


def test_word_excel_and_powerpoint_are_read():
    word = read("a.docx", documents.docx()).text
    assert word == "## Survey\nThe roof leaks.\n| Cellar | dry |"
    sheet = read("a.xlsx", documents.xlsx()).text
    assert sheet == "## Rooms\nAttic\t12.5\n\n## Costs\nRoof\t4000"
    deck = read("a.pptx", documents.pptx())
    assert deck.text == (
        "[Slide 1]\nThe plan\nNotes: Speak slowly.\n\n[Slide 2]\nThe end"
    )
    assert deck.pages == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_and_code_are_read_in_the_usual_encodings(encoding):
    text = "def größe():\n\treturn 'café'\n"
    assert read("a.py", text.encode(encoding)).text == text


def test_the_content_decides_and_not_the_name():
    assert read("a.txt", documents.pdf("inside")).media_type == "application/pdf"
    assert read("a.pdf", b"only text").media_type == "text/plain"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no text"),
        (b" \n ", "no text"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "picture"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 50, "old or protected Office"),
        (bytes(range(256)) * 20, "no text"),
        (b"\x7fELF\x02\x01", "program"),
        (documents.packed(a_DOT_txt="x"), "packed"),
        (documents.packed(META__INF="", content_DOT_xml=""), "packed"),
        (documents.docx()[:-40], "damaged"),
        (b"PK\x03\x04 not really", "damaged"),
        (b"%PDF-1.7 nothing behind it", "damaged"),
        (documents.pdf("secret", password="pass"), "password"),
        (documents.pdf(""), "scanned"),
        (documents.with_document_xml("<not closed"), "damaged"),
    ],
)
def test_what_cannot_be_read_says_why_by_its_name(content, word):
    with pytest.raises(Invalid, match=word) as caught:
        read("this.file", content)
    assert "“this.file” cannot be added." in caught.value.message


def test_what_unpacks_to_too_much_is_not_unpacked(monkeypatch):
    bomb = documents.with_document_xml(b" " * 3_000_000)
    assert len(bomb) < 100_000
    monkeypatch.setattr(bounds, "MAX_UNPACKED", 2_000_000)
    with pytest.raises(Invalid, match="unpacks to more"):
        read("bomb.docx", bomb)
    monkeypatch.setattr(bounds, "MAX_UNPACKED", 300_000_000)
    monkeypatch.setattr(bounds, "MAX_MEMBERS", 3)
    with pytest.raises(Invalid, match="too many parts"):
        read("bomb.docx", bomb)


def test_entities_neither_unfold_nor_fetch():
    with pytest.raises(Invalid):
        read("laughs.docx", documents.laughs())
    try:
        text = read("outsider.docx", documents.outsider()).text
    except Invalid:
        text = ""
    assert "root:" not in text


def test_memory_and_time_have_limits(monkeypatch, tmp_path):
    monkeypatch.setattr(bounds, "MAX_MEMORY", 10_000_000)
    with pytest.raises(Invalid, match="memory"):
        read("a.pdf", documents.pdf("text"))
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(reading, "_CHILD", sleeper)
    monkeypatch.setattr(bounds, "MAX_WALL_S", 0.3)
    with pytest.raises(Invalid, match="too long"):
        read("a.pdf", documents.pdf("text"))


def test_a_child_that_crashes_is_a_word_and_not_an_error(monkeypatch, tmp_path):
    crasher = tmp_path / "crasher.py"
    crasher.write_text("import os; os.abort()")
    monkeypatch.setattr(reading, "_CHILD", crasher)
    with pytest.raises(Invalid, match="more time or memory"):
        read("a.pdf", documents.pdf("text"))


def test_only_a_few_are_read_at_once(monkeypatch):
    monkeypatch.setattr(reading, "_WAIT_S", 0.01)
    with reading._AT_ONCE, reading._AT_ONCE, pytest.raises(Conflict):
        read("a.pdf", documents.pdf("text"))


def test_what_is_left_out_for_its_length_is_said(monkeypatch):
    monkeypatch.setattr(bounds, "MAX_PAGES", 2)
    found = read("a.pdf", documents.pdf("one", "two", "three"))
    assert "three" not in found.text and found.is_cut
    assert "only the beginning" in found.source
    monkeypatch.setattr(bounds, "MAX_CHARS", 10)
    assert read("a.txt", b"x" * 50).text == "x" * 10
    assert "only the beginning" in read("a.txt", b"x" * 50).source


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"), ("..\\..\\windows\\win.ini", "win.ini"),
        ("/abs/olute.txt", "olute.txt"), ("C:\\a\\b.txt", "b.txt"), ("..", "file"),
        ("", "file"), ("a\x00b.txt", "a b.txt"), ("\u202etxt.exe", "txt.exe"),
        ("..%2f..%2fx", "%2f..%2fx"), ("n" * 400, "n" * 120), ("a/", "file"),
        ("．．／x", "．．／x"),
    ],
)  # fmt: skip
def test_a_name_is_words_and_never_a_path(name, shown):
    assert read(name, b"text").name == shown
