"""Does the server behind an address answer, and if not, why?"""

import re
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from classroom.refusal import Refusal

if TYPE_CHECKING:
    from psycopg2.extensions import connection

PATIENCE = 2  # seconds for a server to answer
PORTS = {"RabbitMQ": 5672, "Redis": 6379, "PostgreSQL": 5432}
VARIABLES = {"RabbitMQ": "RABBITMQ_URL", "Redis": "REDIS_URL or REDIS_BROKER_URL", "PostgreSQL": "POSTGRES_URL"}
LOGIN = "wrong user or password"
WITHOUT = "Without servers: lesson use embedded."


@dataclass(frozen=True)
class Trouble:
    """Why a server can't be used, and the mend.

    `kind` is "silent" where nothing answers at all, "database" where only the database is missing, else "other".
    """

    kind: Literal["silent", "database", "other"]
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what} {self.mend} {WITHOUT}"


def trouble(url: str) -> str | None:
    """Why the broker or result store at `url` can't be used, with the mend; None if it can."""
    from global_config import EMBEDDED_DATABASE  # here: `lesson doctor` also works where that can't be imported

    found = ask(url)
    if found and url.removeprefix("db+") == EMBEDDED_DATABASE:  # neither a profile nor Docker brings that one up
        return f"{found.what} Start it in a terminal of its own: python -m classroom.postgres"
    return str(found) if found else None


def ask_all(urls: Iterable[str]) -> dict[str, Trouble | None]:
    """What `ask` finds for each of `urls`, asked side by side."""
    each = list(dict.fromkeys(urls))
    with ThreadPoolExecutor(len(each)) as threads:
        return dict(zip(each, threads.map(ask, each), strict=True))


def ask(url: str) -> Trouble | None:
    """Why the broker or result store at `url` can't be used; None if it can.

    Takes PATIENCE seconds to reach a port, and as long again for what listens there to answer.
    """
    who, where = server(url), without_password(url)
    if who not in PORTS:
        return None
    silent = f"{who} doesn't answer at {where}"
    start = "To start all three servers: lesson use services."
    correct = f"Set {VARIABLES[who]} in .env to the right address."
    try:
        _within_patience(_reach, url)
    except ConnectionRefusedError:
        return Trouble("silent", f"{silent} (nothing is listening there).", start)
    except TimeoutError:
        return Trouble("silent", f"{silent} (no answer for {PATIENCE} seconds).", start)
    except socket.gaierror:
        return Trouble("other", f"{silent} (unknown host).", correct)
    except OSError as error:
        return Trouble("silent", f"{silent} ({error.strerror or error}).", start)
    except ValueError:
        return Trouble("other", f"{where} can't be read as an address of {who}.", correct)
    try:
        _within_patience(PROBES[who], url)
    except _NoDatabase as error:
        return Trouble("database", f"{who} at {where} has no database {error}.", "To create it: lesson use services.")
    except _Refused as error:
        again = "Try again in a moment." if re.search("starting up|loading", str(error)) else correct
        return Trouble("other", f"{who} at {where} refuses the connection: {str(error).rstrip('.')}.", again)
    except TimeoutError:
        return Trouble(
            "other", f"{silent} (something is listening there, but doesn't answer for {PATIENCE} seconds).", correct
        )
    except Exception:  # each client library has its own word for an answer that it can't understand
        return Trouble("other", f"{silent} (another program is listening there).", correct)
    return None


class _NoDatabase(Exception):
    """PostgreSQL answers, and lacks the database of this name."""


class _Refused(Exception):
    """The server's own words."""


def _within_patience(check: Callable[[str], None], url: str) -> None:
    """Call `check`; TimeoutError after PATIENCE seconds, also where a library or the search for a host takes longer."""
    outcome: SimpleQueue[Exception | None] = SimpleQueue()

    def call() -> None:
        try:
            check(url)
            outcome.put(None)
        except Exception as error:
            outcome.put(error)

    Thread(target=call, daemon=True).start()
    try:
        error = outcome.get(timeout=PATIENCE)
    except Empty:
        raise TimeoutError from None
    if error:
        raise error


def _reach(url: str) -> None:
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port or PORTS[server(url)]
    socket.create_connection((host, port), PATIENCE).close()


def _rabbitmq(url: str) -> None:
    from amqp import AccessRefused, AMQPError  # type: ignore[import-untyped]
    from kombu import Connection

    with Connection(url, connect_timeout=PATIENCE + 1) as connection:
        try:
            connection.transport.close_connection(connection.transport.establish_connection())
        except AccessRefused:
            raise _Refused(LOGIN) from None
        except AMQPError as error:
            raise _Refused(error.reply_text.rpartition(" - ")[2]) from None


def _redis(url: str) -> None:
    from redis import AuthenticationError, BusyLoadingError, Redis, ResponseError

    with Redis.from_url(url, socket_connect_timeout=PATIENCE + 1, socket_timeout=PATIENCE + 1) as client:
        try:
            client.ping()
        except AuthenticationError:
            raise _Refused(LOGIN) from None
        except (BusyLoadingError, ResponseError) as error:
            raise _Refused(str(error)) from None


def _postgresql(url: str) -> None:
    from psycopg2 import OperationalError

    try:
        _connect(url).close()
    except OperationalError as error:
        if name := _missing_database(url):
            raise _NoDatabase(name) from None
        if words := re.search(r"(?:^|failed: )\S+:  (.*)", str(error)):  # "FATAL:", in the server's language
            raise _Refused(words[1]) from None
        raise


PROBES = {"RabbitMQ": _rabbitmq, "Redis": _redis, "PostgreSQL": _postgresql}


def _connect(url: str, database: str | None = None) -> "connection":
    """A connection to PostgreSQL at `url`, or to another `database` there, on which each statement is a transaction."""
    import psycopg2

    parts = urlsplit(url)
    more: dict[str, Any] = dict(parse_qsl(parts.query))
    connected = psycopg2.connect(
        host=parts.hostname,
        port=parts.port or PORTS["PostgreSQL"],
        dbname=database or _database(url),
        user=parts.username and unquote(parts.username),
        password=parts.password and unquote(parts.password),
        connect_timeout=PATIENCE + 1,
        **more,
    )
    connected.autocommit = True
    return connected


def _database(url: str) -> str:
    return unquote(urlsplit(url).path.removeprefix("/"))


def _missing_database(url: str) -> str | None:
    """The name of the database in `url`, if PostgreSQL answers there and lacks it."""
    from psycopg2 import OperationalError

    name = _database(url)
    with suppress(OperationalError), closing(_connect(url, "postgres")) as connected, connected.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [name])
        return name if cursor.fetchone() == (0,) else None
    return None


def create_database(url: str) -> str | None:
    """Create the database in `url` where PostgreSQL answers and lacks it; returns its name if it was created now.

    Refuses with a sentence where PostgreSQL won't.
    """
    from psycopg2 import Error, sql

    if not (name := _missing_database(url)):
        return None
    with closing(_connect(url, "postgres")) as connected, connected.cursor() as cursor:
        try:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            return name
        except Error as error:
            if not _missing_database(url):
                return None  # another process was faster
            said = str(error).splitlines()[0]
            mend = f"Let its administrator do it: sudo -u postgres createdb {name}"
            raise Refusal(f"PostgreSQL won't create the database {name}: {said}. {mend}") from None


def server(url: str) -> str:
    """What one calls the server that a URL leads to: RabbitMQ, Redis, PostgreSQL, files or SQLite."""
    scheme = url.partition("://")[0]
    names = {"redis": "Redis", "rediss": "Redis", "filesystem": "files", "db+sqlite": "SQLite"}
    return names.get(scheme, "PostgreSQL" if "postgresql" in scheme else "RabbitMQ")


def without_password(url: str) -> str:
    """`url` as one may print it; without the place of its password, too."""
    return re.sub(r"(://[^:/@]*):.*@", r"\1:**@", url.partition("?passfile=")[0])
