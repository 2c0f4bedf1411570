"""The entry point of the web server: HTTP to Django, websockets to their consumers.

`bin/run` serves it through Daphne with our limits (`maestro/web.py`); another ASGI server
gets those of `body_limit.py` only.
"""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maestro.settings")
_django = get_asgi_application()  # sets Django up, so the imports below come after it

from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from maestro.body_limit import BodyLimit  # noqa: E402
from maestro.doorbell_asgi import RememberLoop  # noqa: E402
from maestro.proxies import TrustedProxies  # noqa: E402
from sessions_app.routing import websocket_application  # noqa: E402

application = TrustedProxies(
    RememberLoop(
        ProtocolTypeRouter(
            {
                "http": BodyLimit(_django, settings.BODY_LIMITS),
                "websocket": websocket_application,
            }
        )
    ),
    settings.MAESTRO_TRUSTED_PROXIES,
)
