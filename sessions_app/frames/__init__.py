"""The frames of `/ws/chat/`, both ways. `docs/frames.md` is made from this package.

Every frame is one JSON object with a `type`. A client ignores types it does not know and
fields it does not know; the server refuses both, with an `error` frame that says which.

    client                         server
      hello ───────────────────────▶
            ◀─────────────────────── ready
      send ────────────────────────▶  (stored before the vendor is called)
            ◀─────────────────────── accepted, run, batch, batch …, run, message
      follow (after a reconnect) ──▶
            ◀─────────────────────── run, batch (from the log), …

Events in a `batch` are `providers.events`, numbered consecutively from `first` to `last`
within the run's `epoch`. A reader keeps (epoch, seq) per run; what it already has, it
drops; when a new epoch begins, `rewind` tells it up to which number the old one counts.
"""

from __future__ import annotations

import msgspec

from sessions_app.frames.inbound import (
    MAX_FRAME_BYTES,
    MAX_TEXT,
    Ack,
    ClientFrame,
    Context,
    Continue,
    Decide,
    Edit,
    Follow,
    Hello,
    Ping,
    Position,
    Regenerate,
    Send,
    Steer,
    Stop,
    Unfollow,
)
from sessions_app.frames.outbound import (
    PROTOCOL,
    Accepted,
    AuditFrame,
    Batch,
    ContextChanged,
    ContextFrame,
    ConversationFrame,
    CredentialFrame,
    Error,
    IntentFrame,
    MessageFrame,
    Pong,
    Ready,
    Rewind,
    Run,
    ServerFrame,
)
from sessions_app.frames.views import (
    AuditView,
    AuthorView,
    ChunkView,
    ConversationView,
    CredentialNotice,
    CredentialRef,
    GaugeView,
    IntentView,
    MessageView,
    RunView,
)

__all__ = [
    "MAX_FRAME_BYTES",
    "MAX_TEXT",
    "PROTOCOL",
    "Accepted",
    "Ack",
    "AuditFrame",
    "AuditView",
    "AuthorView",
    "Batch",
    "ChunkView",
    "ClientFrame",
    "Context",
    "ContextChanged",
    "ContextFrame",
    "Continue",
    "ConversationFrame",
    "ConversationView",
    "CredentialFrame",
    "CredentialNotice",
    "CredentialRef",
    "Decide",
    "Edit",
    "Error",
    "Follow",
    "GaugeView",
    "Hello",
    "IntentFrame",
    "IntentView",
    "MessageFrame",
    "MessageView",
    "Ping",
    "Pong",
    "Position",
    "Ready",
    "Regenerate",
    "Rewind",
    "Run",
    "RunView",
    "Send",
    "ServerFrame",
    "Steer",
    "Stop",
    "Unfollow",
    "decode_client_frame",
    "encode_frame",
]

decode_client_frame = msgspec.json.Decoder(ClientFrame).decode
encode_frame = msgspec.json.Encoder().encode
