"""Auditors: a group that may read the record of tool calls in the admin, and nothing else.

`migrate` makes the group once; what it may is the operator's own affair from then on.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps as installed

GROUP = "Auditors"
READS = ("toolintent", "policyrule", "standingapproval")


def may_enter_admin(user: Any) -> bool:
    """Whether the admin has anything for this person. A query, unless they are staff."""
    if not user.is_active:
        return False
    return bool(user.is_staff or user.has_module_perms("context_app"))


def make_group(using: str, apps: Any = installed, **_: Any) -> None:
    """After `migrate`: the group, if there never was one."""
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        return
    group, is_new = group_model.objects.using(using).get_or_create(name=GROUP)
    if not is_new:
        return
    reads = permission_model.objects.using(using).filter(
        content_type__app_label="context_app",
        codename__in=[f"view_{model}" for model in READS],
    )
    group.permissions.set(reads)
