"""Does the web process of this machine answer? For the image's HEALTHCHECK and for scripts.

Asks /healthz on 127.0.0.1 under the name of MAESTRO_URL, because a web process answers to
its own name only. Exit code 0 or 1.
"""

import os
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

url = urlsplit(os.environ.get("MAESTRO_URL", "http://127.0.0.1:8000"))
port = os.environ.get("PORT", "8000")
request = urllib.request.Request(
    f"http://127.0.0.1:{port}{url.path.rstrip('/')}/healthz",
    headers={"Host": url.netloc},
)
# No proxy of the environment stands between a machine and itself.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    with opener.open(request, timeout=4) as answer:
        sys.exit(0 if answer.status == 200 else 1)
except (OSError, urllib.error.URLError) as exc:
    sys.exit(f"unhealthy: {exc}")
