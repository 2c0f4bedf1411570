"""Vendors that speak OpenAI Chat Completions: a manifest of data each.

`openai_compatible(slug=…, label=…, base_url=…)` in the `__init__.py` of a folder is a whole
provider. What such servers do differently from OpenAI is data too: `Quirks`.
"""

from __future__ import annotations
