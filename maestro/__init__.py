"""The Django project: settings, routing, checks, health, logging and the doorbell."""
