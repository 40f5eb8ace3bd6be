"""Lesson 16 · A proxy in front of a server, whose connections can be cut."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit


@contextmanager
def proxy(url: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """An address that leads to the server of `url`, and a function that cuts all connections made through it so far."""
    parts = urlsplit(url)
    ends: list[socket.socket] = []

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        hang_up(source, target)

    def serve() -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                server = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 5672))
                ends.extend((caller, server))
                for pair in (caller, server), (server, caller):
                    Thread(target=pump, args=pair, daemon=True).start()

    def hang_up(*sockets: socket.socket) -> None:
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=serve, daemon=True).start()
        login = parts.netloc.rpartition("@")[0]
        here = f"{login}@127.0.0.1:{listener.getsockname()[1]}".removeprefix("@")
        try:
            yield parts._replace(netloc=here).geturl(), lambda: hang_up(*ends)
        finally:
            hang_up(*ends, listener)
            for one in ends:
                one.close()
