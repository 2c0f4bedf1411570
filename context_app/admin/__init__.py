"""What auditors and operators see: intents of tools, the rules about them, code audits."""

from context_app.admin.audits import AuditAdmin
from context_app.admin.intents import ToolIntentAdmin
from context_app.admin.policy import PolicyRuleAdmin, StandingApprovalAdmin

__all__ = ["AuditAdmin", "PolicyRuleAdmin", "StandingApprovalAdmin", "ToolIntentAdmin"]
