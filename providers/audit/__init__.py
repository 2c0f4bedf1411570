"""Code audits: structured findings that are proven to stand in the source.

    provider.audit_code(…) ─▶ run.py ─▶ AuditReport ─▶ export (JSON, Markdown, SARIF)

Callers take their names from here; docs/audits.md says what they mean.
"""

from providers.audit.asking import AuditFailed
from providers.audit.choice import choose_provider
from providers.audit.export import FORMS, export, from_json, to_json
from providers.audit.prompt import PROMPT_VERSION
from providers.audit.report import (
    SEVERITIES,
    AuditReport,
    AuditUsage,
    Comparison,
    Finding,
    Intent,
    NotRead,
    Omitted,
    Rejected,
)
from providers.audit.rules import RULES

__all__ = [
    "FORMS",
    "PROMPT_VERSION",
    "RULES",
    "SEVERITIES",
    "AuditFailed",
    "AuditReport",
    "AuditUsage",
    "Comparison",
    "Finding",
    "Intent",
    "NotRead",
    "Omitted",
    "Rejected",
    "choose_provider",
    "export",
    "from_json",
    "to_json",
]
