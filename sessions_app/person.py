"""Who acts: the type of the `user` that every service takes."""

from __future__ import annotations

from typing import TypeAlias

from django.contrib.auth.models import AnonymousUser, User

Person: TypeAlias = User | AnonymousUser
