"""What auditors and operators see of tools: intents, and the rules about them."""

from context_app.admin.intents import ToolIntentAdmin
from context_app.admin.policy import PolicyRuleAdmin, StandingApprovalAdmin

__all__ = ["PolicyRuleAdmin", "StandingApprovalAdmin", "ToolIntentAdmin"]
