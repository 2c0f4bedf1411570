"""Lets Django find the management commands of this package; the rest knows no Django."""

from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    """The universal provider interface."""

    name = "providers"
