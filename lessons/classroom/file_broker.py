"""kombu's filesystem transport, made safe to share between processes: nobody ever reads half a file.

kombu 5.7.0 (transport/filesystem.py) creates a message's file and then writes it, so a worker that looks in
between reads nothing and exits with JSONDecodeError; it claims a message by moving it to the system's temporary
folder; and it writes the table of an exchange where others read it. Here all three are a rename inside one folder.
And who hands a message back puts it there before it forgets its tag (transport/virtual/base.py, QoS.reject), so that
of a message that another thread has taken meanwhile the tag is forgotten too; here it gets a new tag.
What stays true: a message whose worker is killed by SIGKILL is lost.

kombu's transport has no event loop, so all pool processes of a worker read one pipe, under one lock. If an idle process
is killed while it holds the lock, no other gets a task any more. With the transport option `event_loop`, a worker has
its event loop look for messages and a pipe for each process, as with RabbitMQ and Redis, and nothing is stuck.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from pathlib import Path
from queue import Empty
from time import time_ns
from uuid import uuid4

from kombu import Connection
from kombu.asynchronous import Hub
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads


def write(file: Path, content: object) -> None:
    """Write `content` as JSON so that `file` is seen whole or not at all."""
    unfinished = file.with_name(f"{uuid4()}.unfinished")
    unfinished.write_text(dumps(content))
    unfinished.replace(file)


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: dict, **_: object) -> None:
        tagged = {**payload, "properties": {**payload["properties"], "delivery_tag": str(uuid4())}}
        write(Path(self.data_folder_out, f"{time_ns()}_{uuid4()}.{queue}.msg"), tagged)

    def _get(self, queue: str, timeout: float | None = None) -> dict:
        ending = f".{queue}.msg"  # looked for often, among the files of all queues; then `high` isn't `x.high`
        names = [name for name in os.listdir(self.data_folder_in) if name.endswith(ending)]
        for name in sorted(name for name in names if "." not in name.removesuffix(ending)):
            claimed = Path(self.data_folder_in, f"{uuid4()}.claimed")
            try:
                Path(self.data_folder_in, name).rename(claimed)
            except FileNotFoundError:
                continue  # another worker was faster
            message = loads(claimed.read_text())
            claimed.unlink()
            return message
        raise Empty

    def get_table(self, exchange: str) -> list[filesystem.exchange_queue_t]:
        try:
            return [filesystem.exchange_queue_t(*row) for row in loads(self._exchange_file(exchange).read_text())]
        except FileNotFoundError:
            return []

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        with self.table(exchange) as rows:
            binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
            if binding not in rows:
                rows.insert(0, binding)

    def _delete(self, queue: str, exchange: str, routing_key: str, pattern: str, *_: object, **__: object) -> None:
        with self.table(exchange) as rows:
            rows[:] = [row for row in rows if row != (routing_key or "", pattern or "", queue or "")]
        self._purge(queue)  # last: what is sent now no longer comes here

    @contextmanager
    def table(self, exchange: str) -> Iterator[list[filesystem.exchange_queue_t]]:
        """The bindings of `exchange`, to be changed in place by one process at a time."""
        file = self._exchange_file(exchange)
        self.control_folder.mkdir(parents=True, exist_ok=True)
        with file.with_suffix(".lock").open("w") as lock:
            flock(lock, LOCK_EX)
            rows = self.get_table(exchange)
            yield rows
            write(file, rows)


class Transport(filesystem.Transport):
    Channel = Channel

    def __init__(self, client: Connection, **options: object) -> None:
        super().__init__(client, **options)
        if client.transport_options.get("event_loop"):
            self.implements = filesystem.Transport.implements.extend(asynchronous=True)

    def register_with_event_loop(self, _connection: object, loop: Hub) -> None:
        """Have a worker's event loop look for messages every `polling_interval` seconds."""

        def look() -> None:
            with suppress(Empty):
                while True:
                    self.cycle.get(self._deliver)

        loop.call_repeatedly(self.polling_interval, look)
