"""The business of tools and their intents."""
