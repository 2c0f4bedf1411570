"""Documents for tests, made here: small ones of every kind, and hostile ones."""

from __future__ import annotations

import io
import zipfile
from typing import Any


def pdf(*pages: str, password: str = "") -> bytes:
    """A PDF with a line of text on each page."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for text in pages:
        page = writer.add_blank_page(300, 300)
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    if password:
        writer.encrypt(password, algorithm="AES-256")
    return _written(writer.write)


def docx() -> bytes:
    """A heading, a paragraph, a table."""
    import docx as library

    document = library.Document()
    document.add_heading("Survey", level=2)
    document.add_paragraph("The roof leaks.")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Cellar", "dry"
    return _written(document.save)


def xlsx() -> bytes:
    """Two sheets."""
    import openpyxl

    book: Any = openpyxl.Workbook()
    book.active.title = "Rooms"
    book.active.append(["Attic", 12.5, None])
    book.create_sheet("Costs").append(["Roof", 4000])
    return _written(book.save)


def pptx() -> bytes:
    """Two slides, the first with a title and notes."""
    import pptx as library

    deck = library.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "The plan"
    slide.notes_slide.notes_text_frame.text = "Speak slowly."
    deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = "The end"
    return _written(deck.save)


def packed(**members: bytes | str) -> bytes:
    """An archive; `__` in a name is a slash, `_DOT_` a dot."""
    names = {
        name.replace("__", "/").replace("_DOT_", "."): content
        for name, content in members.items()
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return target.getvalue()


def with_document_xml(content: bytes | str) -> bytes:
    """A Word document with this instead of its text."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(docx())) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for member in source.infolist():
            is_text = member.filename == "word/document.xml"
            archive.writestr(member, content if is_text else source.read(member))
    return target.getvalue()


def laughs() -> bytes:
    """Entities that unfold to more than there is memory."""
    entities = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
    )
    return with_document_xml(f"<!DOCTYPE x [{entities}]><x>&a11;</x>")


def outsider() -> bytes:
    """An entity that names a file of the machine."""
    return with_document_xml(
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/'
        'main"><w:body><w:p><w:r><w:t>start &f; end</w:t></w:r></w:p></w:body>'
        "</w:document>"
    )


def _written(write: Any) -> bytes:
    target = io.BytesIO()
    write(target)
    return target.getvalue()
