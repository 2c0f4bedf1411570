"""JSON doors of the context: panel, library, exact requests."""
