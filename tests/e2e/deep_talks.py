"""Long conversations of the administrator, written straight into the database."""

from __future__ import annotations

from typing import Any

# In the product's process: what is called is the tests' own way to make conversations.
_MAKE = """
from django.contrib.auth.models import User
from sessions_app.models import Message
from tests.sessions_app.conversations.trees import make_deep_conversation
row = make_deep_conversation(User.objects.get(username="admin"), {depth})
row.title = {title!r}
row.save()
for depth, words in {words!r}.items():
    message = Message.objects.get(conversation=row, depth=depth)
    message.text, message.parts = words, [{{"type": "text", "text": words}}]
    message.save()
print(row.pk)
"""


def deep_talk(product: Any, depth: int, title: str, words: dict[int, str]) -> str:
    """The id of a conversation of so many messages; `words` of some, by depth. The
    others say their depth."""
    code = _MAKE.format(depth=depth, title=title, words=words)
    return str(product.started.manage("shell", "-v", "0", "-c", code).split()[-1])
