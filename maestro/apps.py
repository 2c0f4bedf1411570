"""Start-up of the project: tell the layers below what the operator set."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class MaestroConfig(AppConfig):
    """Configuration, checks and commands of the installation."""

    name = "maestro"

    def ready(self) -> None:
        from maestro import checks  # noqa: F401  (registers them)
        from maestro.wiring import configure_providers

        configure_providers()


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin, which auditors may enter too."""

    default_site = "maestro.admin_site.Site"
