"""Django's settings, worked out from the variables of `maestro/env.py`.

One public URL decides about hosts, origins and cookies; one data directory holds what
must be kept. Keys are files of mode 0600 outside the database; production never starts
with a key from the source.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from maestro import database, keys, log_config, proxies, sso, usage_limits
from maestro.body_limit import Limits
from maestro.env import SettingError, read

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(read("MAESTRO_DATA") or BASE_DIR / "data").resolve()
DEBUG = read("MAESTRO_DEBUG")

# -- keys -------------------------------------------------------------------------------
SECRET_KEY = read("MAESTRO_SECRET_KEY") or keys.read_secret_key(DATA_DIR)
MAESTRO_ENCRYPTION_KEYS = read("MAESTRO_ENCRYPTION_KEYS")
MAESTRO_KEY_FILE = Path(
    read("MAESTRO_KEY_FILE") or DATA_DIR / "keys" / "encryption.keys"
)

# -- where we are -----------------------------------------------------------------------
MAESTRO_URL = read("MAESTRO_URL").rstrip("/")
_url = urlsplit(MAESTRO_URL)
if _url.scheme not in ("http", "https") or not _url.hostname:
    raise SettingError(
        "MAESTRO_URL must look like https://chat.example.org or http://host:port."
    )
IS_HTTPS = _url.scheme == "https"
# A browser may write the loopback address in two ways; both are the same machine.
_own = [f"{_url.scheme}://{_url.netloc}"]
if _url.hostname in ("127.0.0.1", "localhost"):
    _port = f":{_url.port}" if _url.port else ""
    _own = [f"{_url.scheme}://{host}{_port}" for host in ("127.0.0.1", "localhost")]
MAESTRO_ORIGINS = [
    *_own,
    *(origin.rstrip("/") for origin in read("MAESTRO_EXTRA_ORIGINS")),
]
if "*" in MAESTRO_ORIGINS:
    raise SettingError(
        "MAESTRO_EXTRA_ORIGINS must name origins; “*” would open every socket."
    )
ALLOWED_HOSTS = sorted({urlsplit(origin).hostname or "" for origin in MAESTRO_ORIGINS})
CSRF_TRUSTED_ORIGINS = MAESTRO_ORIGINS
FORCE_SCRIPT_NAME = _url.path.rstrip("/") or None
MAESTRO_TRUSTED_PROXIES = read("MAESTRO_TRUSTED_PROXIES")
if proxies.networks(MAESTRO_TRUSTED_PROXIES):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# -- what it is made of -----------------------------------------------------------------
INSTALLED_APPS = [
    "maestro.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "django_q",
    "maestro.apps.MaestroConfig",
    "providers.apps.ProvidersConfig",
    "sessions_app.apps.SessionsConfig",
    "context_app.apps.ContextConfig",
]
MIDDLEWARE = [
    "maestro.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "sessions_app.seen.SeenMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "maestro.urls"
ASGI_APPLICATION = "maestro.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sessions_app.context_processors.maestro",
            ]
        },
    }
]
DATABASES = {"default": database.configure(read("MAESTRO_DATABASE_URL"), DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

_redis = read("MAESTRO_REDIS_URL")
CHANNEL_LAYERS = {
    "default": (
        {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # Longer than the layer's blocking read (5 s): redis-py's own default is as
            # long, and then every quiet channel counts as a lost connection.
            "CONFIG": {
                "hosts": [{"address": _redis, "socket_timeout": 15}],
                "capacity": 1000,
            },
        }
        if _redis
        else {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            "CONFIG": {"capacity": 1000},
        }
    )
}

# `bulk`, `queue_limit` and `timeout < retry` keep a task from being handed out twice.
# `timeout` kills: it is longer than a sweep that meets a vendor as slow as we allow.
Q_CLUSTER = {
    "name": "maestro",
    "orm": "default",
    "workers": 2,
    "poll": 1,
    "bulk": 1,
    "timeout": 300,
    "retry": 360,
    "max_attempts": 3,
    "catch_up": False,
    "save_limit": 250,
    "queue_limit": 4,
    "recycle": 500,
    "label": "Tasks",
}

# -- people -----------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "chat"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_RESET_TIMEOUT = 86_400  # seconds, of the link that an administrator makes
# Ten tries in five minutes, for one name from one address: a stranger cannot lock out a
# colleague who sits elsewhere. The handler adds a limit for one name from all addresses.
AXES_HANDLER = "sessions_app.guessing.Handler"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 5 / 60  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address"]
AXES_VERBOSE = False

# -- the browser ------------------------------------------------------------------------
SESSION_COOKIE_AGE = read("MAESTRO_SESSION_AGE_S")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "sessions_app.views.refusals.csrf_failure"
if IS_HTTPS and not FORCE_SCRIPT_NAME:
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
# Sibling hosts are the operator's own affair, and what ends TLS redirects plain HTTP: of
# `check --deploy` these two (W005 and W021, W008) are answered, the others stay in force.
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SECURE_HSTS_PRELOAD = False
SILENCED_SYSTEM_CHECKS = (
    ["security.W005", "security.W008", "security.W021"] if IS_HTTPS else []
)
SECURE_CONTENT_TYPE_NOSNIFF = True
# `no-referrer` would make browsers send `Origin: null` with the login form.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "report-uri": [f"{FORCE_SCRIPT_NAME or ''}/csp-report"],
    }
}
MAESTRO_MAX_BODY_BYTES = read("MAESTRO_MAX_BODY_BYTES")
MAESTRO_MAX_FILE_BYTES = read("MAESTRO_MAX_FILE_BYTES")
BODY_LIMITS = Limits(body=MAESTRO_MAX_BODY_BYTES, file=MAESTRO_MAX_FILE_BYTES)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAESTRO_MAX_BODY_BYTES

# -- static files -----------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "maestro.static_files.ModuleStorage"},
}
WHITENOISE_MAX_AGE = 3600

# -- vendors and runs -------------------------------------------------------------------
MAESTRO_HTTP_PROXY = read("MAESTRO_HTTP_PROXY")
MAESTRO_CA_BUNDLE = read("MAESTRO_CA_BUNDLE")
MAESTRO_CONNECT_TIMEOUT_S = read("MAESTRO_CONNECT_TIMEOUT_S")
MAESTRO_READ_TIMEOUT_S = read("MAESTRO_READ_TIMEOUT_S")
MAESTRO_IDLE_TIMEOUT_S = read("MAESTRO_IDLE_TIMEOUT_S")
MAESTRO_REROUTE = read("MAESTRO_REROUTE")
MAESTRO_MAX_CONCURRENT_RUNS = read("MAESTRO_MAX_CONCURRENT_RUNS")
MAESTRO_RETRY_ATTEMPTS = read("MAESTRO_RETRY_ATTEMPTS")
MAESTRO_RETRY_TOTAL_S = read("MAESTRO_RETRY_TOTAL_S")
MAESTRO_WORKSPACE = read("MAESTRO_WORKSPACE")
MAESTRO_SHELL_WITHOUT_SANDBOX = read("MAESTRO_SHELL_WITHOUT_SANDBOX")
MAESTRO_TOOL_TIMEOUT_S = read("MAESTRO_TOOL_TIMEOUT_S")
MAESTRO_MAX_CONCURRENT_AUDITS = read("MAESTRO_MAX_CONCURRENT_AUDITS")
MAESTRO_MCP_FILE = read("MAESTRO_MCP_FILE")
MAESTRO_MCP_TIMEOUT_S = read("MAESTRO_MCP_TIMEOUT_S")
MAESTRO_MCP_CONNECT_S = read("MAESTRO_MCP_CONNECT_S")
MAESTRO_MCP_REFRESH_S = read("MAESTRO_MCP_REFRESH_S")
MAESTRO_MAX_STEPS = read("MAESTRO_MAX_STEPS")
MAESTRO_MAX_RUN_S = read("MAESTRO_MAX_RUN_S")
MAESTRO_MAX_RUN_TOKENS = read("MAESTRO_MAX_RUN_TOKENS")
MAESTRO_MAX_RUN_USD = read("MAESTRO_MAX_RUN_USD")
MAESTRO_LIMITS = usage_limits.read_limits(read("MAESTRO_LIMITS"))
MAESTRO_USAGE_TIME_ZONE = usage_limits.read_zone(read("MAESTRO_USAGE_TIME_ZONE"))
MAESTRO_RESERVE_OUTPUT_TOKENS = read("MAESTRO_RESERVE_OUTPUT_TOKENS")
MAESTRO_KEEP_USAGE_DAYS = read("MAESTRO_KEEP_USAGE_DAYS")
MAESTRO_KEEP_REQUESTS_DAYS = read("MAESTRO_KEEP_REQUESTS_DAYS")
MAESTRO_KEEP_LOGS_DAYS = read("MAESTRO_KEEP_LOGS_DAYS")
MAESTRO_KEEP_BROKEN_LOGS_DAYS = read("MAESTRO_KEEP_BROKEN_LOGS_DAYS")
MAESTRO_KEEP_SIGN_INS_DAYS = read("MAESTRO_KEEP_SIGN_INS_DAYS")
MAESTRO_KEEP_AUDITS_DAYS = read("MAESTRO_KEEP_AUDITS_DAYS")
MAESTRO_KEEP_AUDIT_SOURCES = read("MAESTRO_KEEP_AUDIT_SOURCES")
MAESTRO_KEEP_COPIES = read("MAESTRO_KEEP_COPIES")
MAESTRO_CATALOGUE_FILE = read("MAESTRO_CATALOGUE_FILE")
MAESTRO_LOGIN_LISTENER = read("MAESTRO_LOGIN_LISTENER").lower()
if MAESTRO_LOGIN_LISTENER not in ("auto", "true", "false"):
    raise SettingError("MAESTRO_LOGIN_LISTENER is one of auto, true, false.")
MAESTRO_OPENAI_OAUTH_CLIENT_ID = read("MAESTRO_OPENAI_OAUTH_CLIENT_ID")
MAESTRO_ANTHROPIC_OAUTH_CLIENT_ID = read("MAESTRO_ANTHROPIC_OAUTH_CLIENT_ID")
MAESTRO_ANTHROPIC_OAUTH_SCOPES = read("MAESTRO_ANTHROPIC_OAUTH_SCOPES")
MAESTRO_ANTHROPIC_SUBSCRIPTION_LOGIN = read("MAESTRO_ANTHROPIC_SUBSCRIPTION_LOGIN")
MAESTRO_GEMINI_OAUTH_CLIENT_ID = read("MAESTRO_GEMINI_OAUTH_CLIENT_ID")
MAESTRO_GEMINI_OAUTH_CLIENT_SECRET = read("MAESTRO_GEMINI_OAUTH_CLIENT_SECRET")
MAESTRO_GEMINI_OAUTH_SCOPES = read("MAESTRO_GEMINI_OAUTH_SCOPES")
MAESTRO_GEMINI_OAUTH_WEB_CLIENT = read("MAESTRO_GEMINI_OAUTH_WEB_CLIENT")
MAESTRO_GEMINI_PROJECT = read("MAESTRO_GEMINI_PROJECT")
MAESTRO_METRICS_TOKEN = read("MAESTRO_METRICS_TOKEN")
MAESTRO_DEMO = read("MAESTRO_DEMO")
MAESTRO_DEMO_CONTROL = read("MAESTRO_DEMO_CONTROL")
# Holds the emulator's port while there is a demo; the supervisor ends it without.
MAESTRO_DEMO_PORT_FILE = DATA_DIR / "demo.port"

# -- words, time, logs ------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING_CONFIG = "maestro.log_config.apply"
DEFAULT_EXCEPTION_REPORTER = "maestro.debug_page.Reporter"
LOGGING = log_config.dict_config(read("MAESTRO_LOG_FORMAT"), read("MAESTRO_LOG_LEVEL"))

# -- single sign-on, where there is an issuer ---------------------------------------------
MAESTRO_SSO_ISSUER = read("MAESTRO_SSO_ISSUER").rstrip("/")
MAESTRO_SSO_LABEL = read("MAESTRO_SSO_LABEL")
MAESTRO_SSO_DOMAINS = read("MAESTRO_SSO_DOMAINS")
MAESTRO_SSO_TEAM = read("MAESTRO_SSO_TEAM")
MAESTRO_SSO_PASSWORDS = read("MAESTRO_SSO_PASSWORDS") or not MAESTRO_SSO_ISSUER
# Sessions that begin with a password, here: by a set-up link, by an invitation.
MAESTRO_PASSWORD_BACKEND = sso.password_backend(MAESTRO_SSO_PASSWORDS)
if MAESTRO_SSO_ISSUER:
    sso.install(globals())
