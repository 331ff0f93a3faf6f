"""All settings, from the environment only. Each name may also come from a file named by `NAME_FILE`.

The table of names for operators is docs/reference.md; a test holds the two together.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import structlog
from django.core.exceptions import ImproperlyConfigured

from campaigns.delivery.log_lines import without_values


def env(name: str, default: str = "") -> str:
    """The value of `name`, or the content of the file that `NAME_FILE` names."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}_FILE names {path}, which cannot be read: {error.strerror}"
            ) from None
    return os.environ.get(name, default)


def env_bool(name: str) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off or nothing; anything else is refused."""
    word = env(name).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"", "0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {word!r}")


def env_int(name: str, default: int) -> int:
    """A whole number."""
    text = env(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}") from None


def env_list(name: str, default: str = "") -> list[str]:
    """Words separated by commas."""
    return [word.strip() for word in env(name, default).split(",") if word.strip()]


# Disks are no longer slow at finding one row: with PostgreSQL's default a batch of a hundred messages reads
# whole tables. And no statement here runs for so long that compiling it first would pay.
PLANNING = "-c random_page_cost=1.1 -c jit=off"


def database(url: str) -> dict[str, Any]:
    """Django's settings for a `postgresql://user:password@host:port/name?host=/socket/folder` address."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql://")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    host = query.pop("host", parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or query.pop("port", "")),
        "OPTIONS": {
            "pool": {"min_size": 0, "max_size": 8, "timeout": 10},
            "connect_timeout": 5,
            "options": PLANNING,
            # What is asked again and again is planned once a connection.
            "prepare_threshold": 5,
            **query,
        },
        "CONN_HEALTH_CHECKS": True,
    }


def celery_broker(url: str) -> str:
    """kombu's spelling of a Redis address: it knows unix sockets as `redis+socket://`."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={number}"


BASE_DIR = Path(__file__).resolve().parent.parent
STATE = Path(env("CAMPAIGNS_STATE") or Path.home() / ".local/state/campaigns")
DEMO = env_bool("CAMPAIGNS_DEMO")
DEBUG = False
LOG_LEVEL = env("LOG_LEVEL", "INFO").upper()

SECRET_KEY = env("SECRET_KEY")
FIELD_KEYS = env("FIELD_KEYS")
PUBLIC_BASE_URL = env("PUBLIC_BASE_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS") or [urlsplit(PUBLIC_BASE_URL).hostname or "127.0.0.1"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
TRUSTED_PROXIES = env_list("TRUSTED_PROXIES")
TRIAL_RECIPIENTS = env_list("TRIAL_RECIPIENTS")
SECURE = PUBLIC_BASE_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "campaigns",
]
MIDDLEWARE = [
    "campaigns.web.middleware.TrustedProxies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "campaigns.web.middleware.SecurityHeaders",
    "campaigns.web.middleware.NothingEndless",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "campaigns.web.middleware.SayWhatIsDown",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "campaigns.web.proof.SecondFactor",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "campaigns.urls"
WSGI_APPLICATION = "campaigns.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "environment": "campaigns.jinja.environment",
            "context_processors": [
                "django.contrib.messages.context_processors.messages",
                "campaigns.web.context.site",
            ],
        },
    }
]
FORM_RENDERER = "campaigns.web.forms.Renderer"

DATABASE_URL = env("DATABASE_URL")
DATABASES = {"default": database(DATABASE_URL) if DATABASE_URL else {"ENGINE": "django.db.backends.dummy"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "campaigns.Staff"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
# allauth signs people in on our pages. Nobody signs up, nothing is sent by mail, and a password alone opens
# nothing: campaigns/web/proof.py. Its limits live in a cache; ours are in the database: services/guesses.py.
ACCOUNT_ADAPTER = "campaigns.web.adapters.Accounts"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {"login": "campaigns.web.account_forms.SignInForm"}
MFA_ADAPTER = "campaigns.web.adapters.Proofs"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
# A browser makes passkeys without TLS on this machine only; there the address that it names is its own.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RATE_LIMITS = False
MFA_TOTP_ISSUER = "campaigns"
MFA_FORMS = {
    "authenticate": "campaigns.web.account_forms.CodeForm",
    "reauthenticate": "campaigns.web.account_forms.ConfirmForm",
    "authenticate_webauthn": "campaigns.web.account_forms.PasskeyCodeForm",
    "reauthenticate_webauthn": "campaigns.web.account_forms.PasskeyConfirmForm",
    "login_webauthn": "campaigns.web.account_forms.PasskeySignInForm",
    "add_webauthn": "campaigns.web.account_forms.PasskeyForm",
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "campaigns.web.errors.no_csrf"
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
# With `no-referrer` browsers send `Origin: null` with our own forms, and the CSRF check refuses them. Patient
# pages, whose address is the key, send none: patient/pages.py.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en-ca"
LANGUAGES = [("en-ca", "English"), ("fr-ca", "Français")]
LOCALE_PATHS = [BASE_DIR / "locales"]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

REDIS_URL = env("REDIS_URL")
HINT_SECONDS = 15 * 3600
"""A hint that no worker took for so long is dropped, so that Redis does not fill up while there is none. A
worker judges that by its own clock: longer than one that is set by another time zone is off."""
CELERY_BROKER_URL = celery_broker(REDIS_URL) if REDIS_URL else "memory://"

SMS_CHANNEL = env("SMS_CHANNEL", "simulator")
EMAIL_CHANNEL = env("EMAIL_CHANNEL", "simulator")
TWILIO_ACCOUNT_SID = env("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = env("TWILIO_AUTH_TOKEN")
TWILIO_MESSAGING_SERVICE_SID = env("TWILIO_MESSAGING_SERVICE_SID")
TWILIO_FROM = env("TWILIO_FROM")
TWILIO_API_BASE_URL = env("TWILIO_API_BASE_URL", "https://api.twilio.com").rstrip("/")
EMAIL_URL = env("EMAIL_URL")
EMAIL_FROM = env("EMAIL_FROM", "clinic@clinic.example")
EMAIL_SENT_URL = env("EMAIL_SENT_URL")
ALERT_EMAIL_URL = env("ALERT_EMAIL_URL")
HEARTBEAT_URL = env("HEARTBEAT_URL")
WATCH_EMAIL = env_list("WATCH_EMAIL")
REPLY_DOMAIN = env("REPLY_DOMAIN").strip().lower()
MAIL_AUTHSERV_ID = env("MAIL_AUTHSERV_ID").strip().lower()
MAIL_WEBHOOK_SECRET = env("MAIL_WEBHOOK_SECRET")
INBOUND_IMAP_URL = env("INBOUND_IMAP_URL")
WEBHOOK_NETWORKS = env_list("WEBHOOK_NETWORKS")

SENDER_THREADS = env_int("SENDER_THREADS", 16)
"""Sends under way at once in one worker process."""
LEASE_SECONDS = env_int("LEASE_SECONDS", 60)
"""A try without an outcome after this long belongs to a dead worker. Longer than any channel's time-out."""
QUIET_SECONDS = env_int("QUIET_SECONDS", 180)
"""How long the reconciler waits for a late callback before it believes that nothing was sent."""
EMAIL_UNCERTAIN = env("EMAIL_UNCERTAIN", "at_most_once")
if EMAIL_UNCERTAIN not in {"at_most_once", "at_least_once"}:
    raise ImproperlyConfigured("EMAIL_UNCERTAIN must be at_most_once or at_least_once")

# A log that cannot be written (a full disk, a closed pipe) must stop nothing: Python would print the line's
# values where it may, and raise where it may not.
logging.raiseExceptions = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                without_values,
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # These print addresses: the client its query, fido2 a passkey, Django the path with a token in it.
        "twilio.http_client": {"level": "WARNING"},
        "fido2": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        # Its errors reach whoever asked for a connection; a warning for each new try only buries them.
        "psycopg.pool": {"level": "ERROR"},
        "django.security.csrf": {"level": "ERROR"},
        # It writes down every line of a session, with the addresses and the tokens in them.
        "mail.log": {"level": "ERROR"},
    },
}
