"""Static files: hashed names, compressed, and imports of ES modules rewritten too."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Without this switch `import "./x.js"` would keep the name without its hash."""

    support_js_module_import_aggregation = True
