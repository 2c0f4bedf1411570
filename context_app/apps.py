"""Start-up of this app."""

from django.apps import AppConfig


class ContextConfig(AppConfig):
    """Context, tools, intents, audits."""

    name = "context_app"
    verbose_name = "Context"

    def ready(self) -> None:
        from context_app.mcp import checks  # noqa: F401  (registers them)
