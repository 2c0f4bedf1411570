"""What a document is, by its content, and its text: in a process that may be killed.

Libraries that open what strangers made can be made to hang, to eat memory or to crash. So
they run in a child process without environment, with limits of time and memory, two at a
time. What a file calls itself decides nothing; its name is words for people, never a path.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

from context_app.documents import bounds
from sessions_app.errors import Conflict, Invalid

_CHILD = Path(__file__).with_name("_child.py")
_AT_ONCE = threading.BoundedSemaphore(2)
_WAIT_S = 60.0

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "text": "text/plain",
}
_OLD = "It is an old or protected Office file. Save it as .docx, .xlsx or .pptx, or as PDF."
# How files begin that hold no text, in words for who sent one.
_BEGINNINGS = {
    b"\xd0\xcf\x11\xe0": _OLD,
    b"\x89PNG": "It is a picture, and only text can be added.",
    b"\xff\xd8\xff": "It is a picture, and only text can be added.",
    b"GIF8": "It is a picture, and only text can be added.",
    b"RIFF": "It is a picture, a sound or a film, and only text can be added.",
    b"\x1f\x8b": "It is packed. Unpack it, and add the files in it.",
    b"7z\xbc\xaf": "It is packed. Unpack it, and add the files in it.",
    b"Rar!": "It is packed. Unpack it, and add the files in it.",
    b"\x7fELF": "It is a program, and only text can be added.",
    b"MZ": "It is a program, and only text can be added.",
}
_ODD = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


class Document(NamedTuple):
    """What was read. `pages` None: it has none. `is_cut`: there is more than was read."""

    name: str
    media_type: str
    size: int  # bytes of the file
    text: str
    pages: int | None
    is_cut: bool

    @property
    def source(self) -> str:
        """What it came from, in one line for a person."""
        facts = [self.name, _bytes(self.size)]
        if self.pages:
            facts.append(f"{self.pages:,} pages" if self.pages > 1 else "1 page")
        if self.is_cut:
            facts.append("only the beginning: it is too long")
        return ", ".join(facts)


def read(name: str, content: bytes) -> Document:
    """The text of a document. Raises Invalid, with what to do; Conflict when too many
    others are being read."""
    name = plain_name(name)
    kind = _kind_of(name, content)
    if kind == "text":
        text, pages, is_cut = _decoded(name, content), None, False
        if len(text) > bounds.MAX_CHARS:
            text, is_cut = text[: bounds.MAX_CHARS], True
    else:
        answer = _from_child(name, kind, content)
        kind, text, is_cut = answer["kind"], answer["text"], answer["is_cut"]
        pages = answer["pages"] if kind in ("pdf", "pptx") else None
    text = _ODD.sub(" ", text)
    if not text.strip():
        raise _refusal(name, "There is no text in it.")
    return Document(name, MEDIA_TYPES[kind], len(content), text, pages, is_cut)


def plain_name(name: str) -> str:
    """What a file is called, without a way to it; words, never a path of ours."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(c if c.isprintable() else " " for c in last)
    return " ".join(plain.split()).strip(". ")[:120] or "file"


def _kind_of(name: str, content: bytes) -> str:
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content.startswith(b"PK\x03\x04"):
        return "packed"
    for beginning, why in _BEGINNINGS.items():
        if content.startswith(beginning):
            raise _refusal(name, why)
    return "text"


def _decoded(name: str, content: bytes) -> str:
    """Text in UTF-8, UTF-16 with its mark, or the usual Western code page."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    odd = len(_ODD.findall(text[:100_000])) + text[:100_000].count("\ufffd")
    if odd > max(2, len(text[:100_000]) // 200):
        raise _refusal(name, "It is no text, and no document that can be read here.")
    return text


def _from_child(name: str, kind: str, content: bytes) -> dict[str, Any]:
    if not _AT_ONCE.acquire(timeout=_WAIT_S):
        raise Conflict("Other documents are being read. Try again in a minute.")
    try:
        out = _run(kind, content)
    except subprocess.TimeoutExpired:
        raise _refusal(
            name, "Reading it takes too long. Add the part of it that matters."
        ) from None
    finally:
        _AT_ONCE.release()
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError:  # killed by a limit, or crashed
        raise _refusal(
            name, "It needs more time or memory than is given to one document."
        ) from None
    if "refused" in answer:
        raise _refusal(name, answer["refused"])
    return answer


def _run(kind: str, content: bytes) -> bytes:
    limits = {
        "chars": bounds.MAX_CHARS,
        "pages": bounds.MAX_PAGES,
        "unpacked": bounds.MAX_UNPACKED,
        "members": bounds.MAX_MEMBERS,
        "memory": bounds.MAX_MEMORY,
        "cpu_s": bounds.MAX_CPU_S,
    }
    asked = json.dumps({"kind": kind, "limits": limits}).encode() + b"\n"
    done = subprocess.run(  # noqa: S603 -- our own script
        [sys.executable, "-I", str(_CHILD)],
        input=asked + content,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        timeout=bounds.MAX_WALL_S,
        check=False,
    )
    return done.stdout


def _refusal(name: str, why: str) -> Invalid:
    return Invalid(f"“{name}” cannot be added. {why}", field="file")


def _bytes(size: int) -> str:
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} KB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
