"""A conversation to take away: readable, complete, without secrets."""

import json
import string

import pytest

from sessions_app.models import Message, Run
from sessions_app.services import export
from tests.sessions_app.conversations.trees import add, make_conversation
from tests.sessions_app.factories import make_user

pytestmark = pytest.mark.django_db

CODE = "```python\nprint('<b>  # two  spaces')\n\n\tx = 1\n```"


@pytest.fixture
def alice():
    return make_user("alice")


def markdown(alice, row):
    return export.export_markdown(user=alice, conversation_id=row.pk)


def answer_of(row, *parts, **fields):
    """Puts these parts into the answer at the leaf, with the run that wrote them."""
    Message.objects.filter(pk=row.leaf_id).update(parts=list(parts))
    facts = {"provider": "anthropic", "model": "claude", "status": "done", **fields}
    return Run.objects.create(
        conversation=row,
        question=row.leaf.parent,
        answer=row.leaf,
        auth_type="api_key",
        credential_name="work",
        **facts,
    )


def test_markdown_says_what_it_is_who_spoke_and_when(alice):
    row = make_conversation(alice, "hello", "hi", title='A "title": with [signs]')
    answer_of(row, {"type": "text", "text": "hi"})
    text = markdown(alice, row)
    front = text.split("---\n")[1]
    assert 'title: "A \\"title\\": with [signs]"' in front
    assert "messages: 2" in front
    assert 'models: ["anthropic/claude"]' in front
    day = row.leaf.created_at.strftime("%Y-%m-%d %H:%M UTC")
    assert f"## You · {day}\n\nhello\n" in text
    assert f"## Assistant (claude, anthropic, work) · {day}\n\nhi\n" in text


def test_markdown_keeps_code_as_it_is(alice):
    row = make_conversation(alice, "show me", CODE)
    assert CODE in markdown(alice, row)


def test_markdown_folds_reasoning_which_cannot_leave_its_fold(alice):
    row = make_conversation(alice, "why", "because")
    thought = {"type": "reasoning", "text": "hm </details> hm", "state": {"s": "x"}}
    answer_of(row, thought, {"type": "text", "text": "because"})
    text = markdown(alice, row)
    assert text.count("<details>") == text.count("</details>") == 1
    assert text.index("hm") < text.index("</details>") < text.index("because")


@pytest.mark.parametrize(
    "cut",
    ["```python\nprint(1)", "~~~\nx\n```\ny", "````\n```\nx", "> a\n\n```sh\nls\n"],
)
def test_markdown_closes_a_code_block_that_a_stopped_answer_left_open(alice, cut):
    row = make_conversation(alice, "go", cut, "next question")
    text = markdown(alice, row)
    tail = text.split("\n## You")[1].split("\n## ")[1]
    marks = [x for x in tail.splitlines() if x.startswith(("```", "~~~"))]
    assert marks[-1] == marks[0].rstrip(string.ascii_letters)


def test_markdown_says_why_an_answer_ended_early(alice):
    row = make_conversation(alice, "go", "")
    answer_of(row, status="failed", cause="The key was\nrefused.")
    assert "*failed: The key was refused.*" in markdown(alice, row)


def test_markdown_lists_sources_and_tools(alice):
    row = make_conversation(alice, "go", "x")
    source = {"url": "https://a.example/(b)", "title": "A [b]"}
    answer_of(
        row,
        {"type": "text", "text": "so", "citations": [source, source]},
        {"type": "tool_call", "call_id": "1", "name": "run", "arguments": {"a": "```"}},
    )
    text = markdown(alice, row)
    assert text.count("- [A \\[b\\]](<https://a.example/(b)>)") == 1
    assert "````json\n" in text


def test_markdown_is_the_branch_that_is_shown(alice):
    row = make_conversation(alice, "question", "shown answer")
    add(row, row.leaf.parent, "other answer")
    text = markdown(alice, row)
    assert "shown answer" in text
    assert "other answer" not in text


def test_json_has_every_branch_and_no_opaque_state(alice):
    row = make_conversation(alice, "question", "answer", title="Code")
    other = add(row, row.leaf.parent, "other answer")
    answer_of(row, {"type": "text", "text": "answer"}, usage={"input_tokens": 3})
    data = export.export_json(user=alice, conversation_id=row.pk)
    again = json.loads(json.dumps(data))
    assert (again["format"], again["version"]) == ("maestro-conversation", 1)
    found = {m["id"]: m for m in again["messages"]}
    assert len(found) == 3
    assert found[str(other.pk)]["parent"] == str(row.leaf.parent_id)
    assert again["leaf"] == str(row.leaf_id)
    by = found[str(row.leaf_id)]["answered_by"]
    assert (by["model"], by["usage"]) == ("claude", {"input_tokens": 3})
    assert "opaque" not in str(data)


def test_an_empty_conversation_exports(alice):
    row = make_conversation(alice)
    assert "messages: 0" in markdown(alice, row)
    assert export.export_json(user=alice, conversation_id=row.pk)["messages"] == []
