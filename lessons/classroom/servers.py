"""Does the server behind an address answer, and who listens there?"""

from collections.abc import Callable
from contextlib import suppress

from celery import Celery

PATIENCE = 2  # seconds for a server to answer
MEND = "To start all three servers: lesson use services. To do without: lesson use embedded."


def trouble(url: str) -> str | None:
    """One sentence on why the broker or result store at `url` can't be used, with the mend; None if it answers."""
    scheme = url.partition("://")[0]
    if scheme in ("filesystem", "db+sqlite"):
        return None
    probe: Callable[[str], None] = {"db+postgresql+psycopg2": _postgres}.get(
        scheme, _redis if scheme.startswith("redis") else _amqp
    )
    try:
        probe(url)
    except Exception as error:  # every client library raises its own
        reason = str(error.__cause__ or error).strip().splitlines()
        return f"{server(url)} doesn't answer at {without_password(url)} ({reason[0] if reason else error!r}). {MEND}"
    return None


def _amqp(url: str) -> None:
    from kombu import Connection

    with Connection(url, connect_timeout=PATIENCE) as connection:
        connection.connect()


def _redis(url: str) -> None:
    from redis import Redis

    with Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE) as client:
        client.ping()


def _postgres(url: str) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(url.removeprefix("db+"), connect_args={"connect_timeout": PATIENCE})
    engine.connect().close()
    engine.dispose()


def server(url: str) -> str:
    """What one calls the server that a URL leads to: RabbitMQ, Redis, PostgreSQL, files or SQLite."""
    scheme = url.partition("://")[0]
    names = {"redis": "Redis", "rediss": "Redis", "filesystem": "files", "db+sqlite": "SQLite"}
    return names.get(scheme, "PostgreSQL" if "postgresql" in scheme else "RabbitMQ")


def without_password(url: str) -> str:
    """`url` as one may print it."""
    from kombu.utils.url import maybe_sanitize_url

    return str(maybe_sanitize_url(url))


def unread(app: Celery, queues: set[str]) -> set[str]:
    """Those of `queues` that no worker reads.

    RabbitMQ knows its consumers, so a passive declare answers at once. On files and Redis only the workers know:
    they are asked over the app's control exchange until all queues are named, for at most PATIENCE / 2 seconds.
    """
    with app.connection_for_write() as connection:
        if connection.transport.driver_type == "amqp":
            return {queue for queue in queues if not _consumers(connection, queue)}
        missing = set(queues)

        def heard(reply: dict) -> None:
            for answer in reply.values():
                missing.difference_update(queue["name"] for queue in answer)
            if not missing:
                raise _AllRead

        with suppress(_AllRead):
            app.control.broadcast(
                "active_queues", reply=True, callback=heard, timeout=PATIENCE / 2, connection=connection
            )
        return missing


class _AllRead(Exception):
    """Nothing more to ask."""


def _consumers(connection, queue: str) -> int:  # type: ignore[no-untyped-def]
    channel = connection.channel()
    try:
        return channel.queue_declare(queue, passive=True).consumer_count
    except connection.channel_errors:  # the queue doesn't exist
        return 0
    finally:
        channel.close()


def purge(app: Celery, queues: set[str]) -> int:
    """Throw away the waiting messages of `queues`; returns how many there were."""
    thrown = 0
    with app.connection_for_write() as connection:
        for queue in queues:
            channel = connection.channel()
            try:
                thrown += channel.queue_purge(queue) or 0
            except connection.channel_errors:  # the queue doesn't exist
                pass
            finally:
                channel.close()
    return thrown
