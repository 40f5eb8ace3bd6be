"""An app's queues: which of them a worker reads, and how to empty them."""

import re
from collections.abc import Iterable
from contextlib import suppress

from celery import Celery

from classroom.servers import PATIENCE, server


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


def apps(commands: Iterable[str]) -> list[Celery]:
    """The Celery apps that these commands start workers of, each once."""
    from celery.app.utils import find_app

    named = (re.match(r"celery -A (\S+) worker\b", command) for command in commands)
    return [find_app(module) for module in dict.fromkeys(match[1] for match in named if match)]


def purge(app: Celery, prefix: str = "") -> int:
    """Delete the messages in those of the app's queues whose names begin with `prefix`; return how many there were.

    Queues on files belong to one run, so they are left alone.
    """
    if server(app.conf.broker_url) == "files":
        return 0
    thrown = 0
    with app.connection_for_write() as connection:
        for queue in (queue for queue in app.amqp.queues if queue.startswith(prefix)):
            channel = connection.channel()
            try:
                thrown += channel.queue_purge(queue) or 0
            except connection.channel_errors:  # the queue doesn't exist
                pass
            finally:
                channel.close()
    return thrown
