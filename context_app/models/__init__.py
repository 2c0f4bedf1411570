"""The tables of this app, one module a noun."""

from context_app.models.audit import Audit, AuditSource
from context_app.models.chunk import ChunkVersion, ContextChunk
from context_app.models.intent import ChainHead, IntentEvent, ToolIntent
from context_app.models.policy import PolicyRule, StandingApproval
from context_app.models.request import SentRequest, TokenRate

__all__ = [
    "Audit",
    "AuditSource",
    "ChainHead",
    "ChunkVersion",
    "ContextChunk",
    "IntentEvent",
    "PolicyRule",
    "SentRequest",
    "StandingApproval",
    "TokenRate",
    "ToolIntent",
]
