"""Every test here starts with default settings, no pooled connection, no memory."""

import pytest

from providers.http import HttpSettings, configure, optional_fields, pool, settings
from tests.providers.http.servers import self_signed


@pytest.fixture(autouse=True)
def _fresh_wire():
    before = settings()
    configure(HttpSettings(connect_timeout_s=2.0, read_timeout_s=5.0))
    optional_fields.forget()
    yield
    pool.close_idle()
    optional_fields.forget()
    configure(before)


@pytest.fixture(params=["http", "https"])
def tls(request, tmp_path):
    if request.param == "http":
        return None
    context, certificate = self_signed(tmp_path)
    configure(HttpSettings(connect_timeout_s=2.0, ca_bundle=str(certificate)))
    return context
