"""The tables of this app, one module a noun."""

from context_app.models.intent import ChainHead, IntentEvent, ToolIntent
from context_app.models.policy import PolicyRule, StandingApproval

__all__ = ["ChainHead", "IntentEvent", "PolicyRule", "StandingApproval", "ToolIntent"]
