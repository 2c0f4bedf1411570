"""The context of a conversation: its chunks, a person's choices, and the next request.

gather  ─▶ rows of the database as values of assembly
next_request ─▶ what is sent and why (`context_app.assembly`), within the model's window
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec
from django.db.models import Q

from context_app.assembly import (
    Budget,
    Choice,
    Composed,
    Item,
    Sizer,
    Summary,
    compose,
    schema_chars,
)
from context_app.assembly.history import Branched
from context_app.models import ChunkVersion, ContextChunk, TokenRate
from context_app.services.requests import rate_of
from providers import catalogue
from providers.types import Tool
from sessions_app.models import Conversation, Membership, SavedAuthentication

RESERVE = 8192  # tokens kept for an answer, where the model does not say less
_LEARNT = 400.0  # tokens that must have been counted before a rate is believed

AppliesTo = ContextChunk.AppliesTo


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """Rows as values. `rows`: the chunks behind the items, by id."""

    items: list[Item]
    choices: dict[UUID, Choice]
    summaries: list[tuple[UUID, Item]]  # the last message each covers
    rows: dict[UUID, ContextChunk]


def gather(
    conversation: Conversation, credential: SavedAuthentication | None
) -> Gathered:
    """Everything that was added to, attached to or chosen in a conversation."""
    rows = list(_rows(conversation, credential))
    shadows = {row.shadows: row for row in rows if row.shadows}
    own = [row for row in rows if row.shadows is None and _is_shown(row)]
    texts = _texts(own)
    items, summaries = [], []
    for row in own:
        item = _item(row, texts, shadows.get(row.pk))
        if item is None:
            continue
        if row.kind == ContextChunk.Kind.SUMMARY and row.covers:
            summaries.append((row.covers, item))
        else:
            items.append(item)
    return Gathered(
        items=items,
        choices={key: _choice(row) for key, row in shadows.items() if key},
        summaries=summaries,
        rows={row.pk: row for row in rows},
    )


def next_request(
    conversation: Conversation,
    branch: Sequence[Branched],
    *,
    provider: str,
    model: str,
    credential: SavedAuthentication | None = None,
    tools: Iterable[Tool] = (),
    gathered: Gathered | None = None,
) -> Composed:
    """What the model is told next. Asks the database; nothing is sent."""
    found = gathered or gather(conversation, credential)
    sizer = sizer_for(provider, model, credential)
    summary = _summary(found, branch)
    items = [*found.items, *([summary.item] if summary else [])]
    return compose(
        items,
        branch,
        choices=found.choices,
        summary=summary,
        budget=budget_for(provider, model, tools, sizer),
        sizer=sizer,
    )


def sizer_for(
    provider: str, model: str, credential: SavedAuthentication | None = None
) -> Sizer:
    """The rate of this model as far as it is known here."""
    known = TokenRate.objects.filter(
        provider=rate_of(provider, credential), model=model
    )
    rate = known.first()
    if rate is None or rate.tokens < _LEARNT:
        return Sizer()
    return Sizer(chars_per_token=rate.chars / rate.tokens, samples=rate.samples)


def budget_for(
    provider: str, model: str, tools: Iterable[Tool], sizer: Sizer
) -> Budget:
    """The model's window, if the catalogue knows it, less the answer and the tools."""
    known = catalogue.lookup(provider, model)
    window = known.context_window if known else None
    output = known.max_output_tokens if known else None
    return Budget(
        window=window,
        reserve=min(output or RESERVE, RESERVE),
        tools=sizer.tokens(schema_chars(tools)),
    )


def _rows(
    conversation: Conversation, credential: SavedAuthentication | None
) -> Iterable[ContextChunk]:
    teams = Membership.objects.filter(user=conversation.owner_id).values("team")
    wanted = Q(conversation=conversation)
    wanted |= Q(applies_to=AppliesTo.TEAM, team__in=teams)
    if credential is not None:
        wanted |= Q(applies_to=AppliesTo.CREDENTIAL, credential=credential)
    rows = ContextChunk.objects.filter(wanted)
    return rows.select_related("reference", "credential", "team")


def _is_shown(row: ContextChunk) -> bool:
    return row.state == ContextChunk.State.READY and not row.removed


def _texts(rows: Iterable[ContextChunk]) -> dict[tuple[UUID, int], str]:
    """The texts of the older versions that are attached."""
    wanted = Q()
    for row in rows:
        if row.reference_id and row.reference_version:
            wanted |= Q(chunk=row.reference_id, number=row.reference_version)
    if not wanted:
        return {}
    found = ChunkVersion.objects.filter(wanted)
    return {(row.chunk_id, row.number): row.text for row in found}


def _item(
    row: ContextChunk,
    texts: dict[tuple[UUID, int], str],
    choice: ContextChunk | None,
) -> Item | None:
    """The chunk as it goes into assembly; a choice of this conversation counts more."""
    if choice is not None and choice.removed:
        return None
    text, title = row.text, row.title
    if row.reference is not None:
        title = title or row.reference.title
        text = row.reference.text
        if row.reference_version:
            text = texts.get((row.reference.pk, row.reference_version), text)
    if choice is not None and choice.title:
        title = choice.title
    decides = choice or row
    if choice is not None and choice.is_edited:
        text = choice.text
    return Item(
        id=row.pk,
        kind=row.kind,
        title=title,
        text=text,
        source=row.source,
        why=_why(row),
        position=decides.position if choice and choice.position else row.position,
        is_pinned=decides.pinned,
        is_excluded=decides.excluded,
    )


def _why(row: ContextChunk) -> str:
    match row.applies_to:
        case AppliesTo.CREDENTIAL:
            name = row.credential.name if row.credential else ""
            return f"Attached to the credential “{name}”."
        case AppliesTo.TEAM:
            return f"Attached to the team “{row.team.name if row.team else ''}”."
    if row.created_by == ContextChunk.CreatedBy.TOOL:
        return "Added by a tool call that was allowed."
    if row.kind == ContextChunk.Kind.SUMMARY:
        return "Stands for the earlier messages."
    return "From the library." if row.reference_id else "Added by you."


def _choice(row: ContextChunk) -> Choice:
    return Choice(
        is_pinned=row.pinned,
        is_excluded=row.excluded,
        is_removed=row.removed,
        text=row.text if row.is_edited else None,
    )


def _summary(found: Gathered, branch: Sequence[Branched]) -> Summary | None:
    """The summary of this branch that covers most; others are of other branches."""
    depths = {row.pk: row.depth for row in branch}
    known = [
        Summary(item=item, depth=depths[covers])
        for covers, item in found.summaries
        if covers in depths
    ]
    active = [summary for summary in known if not summary.item.is_excluded]
    return max(active or known, key=lambda summary: summary.depth, default=None)
