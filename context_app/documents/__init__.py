"""Text out of a document: text, code, PDF, Word, Excel, PowerPoint.

    read.py     what it is, by its content; the child process, its limits, its answer
    _child.py   that process: opens the document with a library, writes text, and is killed
                when it takes too long or too much memory
    bounds.py   how much is read of one

Only the text is kept. It is all that a model gets, and the original would be a second copy
of perhaps confidential matter to protect, to serve safely and to back up.
"""

from context_app.documents.read import Document, read

__all__ = ["Document", "read"]
