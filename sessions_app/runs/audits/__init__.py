"""Code audits of a person. No runs, but paid for, told of and ended as runs are.

    auditing ─▶ working ─▶ provider.audit_code     a thread of its own, or the caller's
        └──────────┴─▶ at_work                     room for a few, a heartbeat

    again       the same source once more     sources   the operator's workspace
    for_tools   audits that a model asks for, on behalf of its run's person

How code is judged is `providers/audit`; what is kept, `context_app/services/audits.py`.
"""
