"""The other side: opens one document and writes its text. Killed at any time.

Started as a script of its own (never imported) by `read.py`. It opens no file and no
connection: the document comes in on the input, one JSON object goes out.

in:  one JSON line {"kind": pdf or packed, "limits": {"chars", "pages", "unpacked",
     "members", "memory", "cpu_s"}}, then the bytes
out: {"kind": pdf, docx, xlsx or pptx, "text", "pages", "is_cut"}, or {"refused": why},
     for a person
"""

import io
import json
import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

_MEMBERS = {
    "word/document.xml": "docx",
    "xl/workbook.xml": "xlsx",
    "ppt/presentation.xml": "pptx",
}


class Refused(Exception):
    """It cannot be read; the message is for a person."""


def main() -> None:
    """Read one document."""
    asked = json.loads(sys.stdin.buffer.readline())
    limits = asked["limits"]
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_s"], limits["cpu_s"] + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.setrecursionlimit(3000)
    content = sys.stdin.buffer.read()
    try:
        answer = _read(asked["kind"], content, limits)
    except Refused as exc:
        answer = {"refused": str(exc)}
    except MemoryError:
        answer = {"refused": "It needs more memory than is given to one document."}
    except RecursionError:
        answer = {"refused": "It is nested too deeply to be read."}
    sys.stdout.buffer.write(json.dumps(answer).encode("utf-8", "surrogatepass"))


def _read(kind: str, content: bytes, limits: dict[str, int]) -> dict[str, Any]:
    if kind == "packed":
        kind = _kind_of(content, limits)
    try:
        pages = _READERS[kind](content)
        return {"kind": kind, **_gathered(pages, limits)}
    except (Refused, MemoryError, RecursionError):
        raise
    except Exception as exc:  # whatever a library makes of a broken file
        raise Refused(f"It is damaged ({type(exc).__name__}).") from exc


def _gathered(pages: Iterator[str], limits: dict[str, int]) -> dict[str, Any]:
    """The pages as one text, as far as the limits go."""
    found: list[str] = []
    size, count, is_cut = 0, 0, False
    for page in pages:
        if count >= limits["pages"] or size >= limits["chars"]:
            is_cut = True
            break
        count += 1
        found.append(page)
        size += len(page)
    text = "\n\n".join(found)
    text = text.encode("utf-8", "replace").decode()  # halves of characters, from PDFs
    is_cut = is_cut or len(text) > limits["chars"]
    return {"text": text[: limits["chars"]], "pages": count, "is_cut": is_cut}


def _kind_of(content: bytes, limits: dict[str, int]) -> str:
    """Which office format it is. What unpacks to too much is not unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except Exception as exc:
        raise Refused("It is damaged: it cannot be unpacked.") from exc
    if len(members) > limits["members"]:
        raise Refused("It has too many parts.")
    if sum(member.file_size for member in members) > limits["unpacked"]:
        raise Refused("It unpacks to more than is read of one document.")
    if any(member.flag_bits & 1 for member in members):
        raise Refused("It is protected by a password. Save it without one.")
    names = {member.filename for member in members}
    for name, kind in _MEMBERS.items():
        if name in names:
            return kind
    if "META-INF/manifest.xml" in names and "content.xml" in names:
        raise Refused("It is an OpenDocument file. Save it as .docx or PDF.")
    raise Refused("It is packed. Unpack it, and add the files in it.")


def _pdf(content: bytes) -> Iterator[str]:
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Refused("It is protected by a password. Save it without one.")
    is_empty = True
    for number, page in enumerate(reader.pages, 1):
        text = page.extract_text().strip()
        is_empty = is_empty and not text
        yield f"[Page {number}]\n{text}"
    if is_empty:
        raise Refused(
            "Its pages are pictures without text: it was probably scanned. Recognise "
            "the text (OCR) first."
        )


def _docx(content: bytes) -> Iterator[str]:
    import docx

    document = docx.Document(io.BytesIO(content))
    lines: list[str] = []
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            lines += _table(block)
        elif block.text.strip():
            lines.append(_heading(block) + block.text)
        if len(lines) > 500:
            yield "\n".join(lines)
            lines = []
    yield "\n".join(lines)


def _heading(paragraph: Any) -> str:
    name = (paragraph.style.name or "") if paragraph.style is not None else ""
    level = name.removeprefix("Heading ")
    return "#" * int(level) + " " if level != name and level.isdigit() else ""


def _table(table: Any) -> list[str]:
    lines = []
    for row in table.rows:
        cells = [" ".join(cell.text.split()) for cell in row.cells]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _xlsx(content: bytes) -> Iterator[str]:
    import openpyxl  # type: ignore[import-untyped]

    book = openpyxl.load_workbook(
        io.BytesIO(content), read_only=True, data_only=True, keep_links=False
    )
    for sheet in book.worksheets:
        lines = [f"## {sheet.title}"]
        for row in sheet.iter_rows(values_only=True):
            cells = ["" if value is None else str(value) for value in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                lines.append("\t".join(cells))
            if len(lines) > 2000:  # a piece at a time: the limits look in between
                yield "\n".join(lines)
                lines = []
        yield "\n".join(lines)


def _pptx(content: bytes) -> Iterator[str]:
    import pptx

    for number, slide in enumerate(pptx.Presentation(io.BytesIO(content)).slides, 1):
        lines = [f"[Slide {number}]"]
        for shape in slide.shapes:
            lines += _shape(shape)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            notes = slide.notes_slide.notes_text_frame.text.strip()
            lines += [f"Notes: {notes}"] if notes else []
        yield "\n".join(lines)


def _shape(shape: Any) -> list[str]:
    if hasattr(shape, "shapes"):
        return [line for inner in shape.shapes for line in _shape(inner)]
    if getattr(shape, "has_table", False):
        return _table(shape.table)
    if shape.has_text_frame and shape.text_frame.text.strip():
        return [shape.text_frame.text]
    return []


_READERS = {"pdf": _pdf, "docx": _docx, "xlsx": _xlsx, "pptx": _pptx}

if __name__ == "__main__":
    main()
