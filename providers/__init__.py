"""The universal provider interface: one door to every vendor.

`provider.py` is the door; callers outside this package import it, the typed events and
the error tree, and nothing else. The package knows no Django and no ORM (only its
management commands do), so it also works as a plain library.
"""

# Of the whole product: `pyproject.toml` takes it from here, vendors see it as our name.
VERSION = "0.1.0"
