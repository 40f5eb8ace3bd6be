"""For tests of the applications: ports, waiting, and processes with servers of their own, which can be killed."""

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random, randrange
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import httpx
import psutil
import psycopg2

from classroom.processes import end, guarded, running


def free_port() -> str:
    """A port of 127.0.0.1 that nobody listens at; below those that systems give to whoever calls, and at any time."""
    while True:
        port = randrange(10_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return str(port)


def client(port: int | str | None, **options: Any) -> httpx.Client:
    """For the API at `port`, whatever proxy the environment names."""
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30, **options)


def eventually(fact: Callable[[], Any], why: str, seconds: float = 60) -> Any:
    """What `fact` returns once it is true. Only a test that fails waits for all of the `seconds`."""
    deadline = monotonic() + seconds
    while not (found := fact()):
        assert monotonic() < deadline, why
        sleep(0.02)
    return found


class Redis:
    """A Redis of our own, which can be frozen and killed."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        eventually(self.listens, "Redis doesn't start")

    def listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", int(self.port)), timeout=1):
            return True
        return False

    def cli(self, *command: str, db: int = 0) -> str:
        """What Redis answers."""
        asks = ["redis-cli", "-p", self.port, "-n", str(db), *command]
        return subprocess.run(asks, capture_output=True, text=True, check=True).stdout.strip()

    def freeze(self) -> None:
        """Have it hang: its kernel takes connections, and it never answers."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """No goodbye."""
        if self.process:
            self.process.kill()
            self.process.wait()


class Island:
    """An application's processes by name, and what they run on; on services, a Redis is one of them."""

    def __init__(self, home: Path, profile: str, commands: dict[str, str], health: str, env: dict[str, str]) -> None:
        self.home, self.api, self.health, self.commands = home, free_port(), health, dict(commands)
        self.env = {
            **os.environ, "LESSONS_PROFILE": "embedded", "LESSONS_HOME": str(home), "API_PORT": self.api,
            "EMBEDDED_POSTGRES_PORT": free_port(), **env,
        }  # fmt: skip
        if profile == "services":
            redis = free_port()
            self.env |= {
                "REDIS_BROKER_URL": f"redis://127.0.0.1:{redis}/1",
                "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
            }
            self.commands["redis"] = f"redis-server --port {redis} --bind 127.0.0.1 --save '' --appendonly no"
        self.started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        untidy = {} if name == "postgres" else {"TMPDIR": str(self.home)}  # as in processes.running
        with (self.home / f"{name}.log").open("a") as log:
            self.started[name] = guarded(self.commands[name], output=log, place=(self.home, {**self.env, **untidy}))

    @contextmanager
    def process(self, name: str, command: str, **env: str) -> Iterator[Path]:
        """One more process, ready, while the block runs; yields its log."""
        place = (self.home, {**self.env, **env})
        with running({name: command}, self.home / f"logs-{uuid4()}", place=place) as logs:
            yield logs[name]

    def kill(self, name: str) -> None:
        """SIGKILL for the process and all its children."""
        guard = self.started.pop(name)
        for child in psutil.Process(guard.pid).children():
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        end(guard)

    def kill_below(self, name: str, chance: Random) -> None:
        """SIGKILL for one of the processes that the process has started: a pool process, or what that one started."""
        with suppress(psutil.NoSuchProcess, IndexError, ValueError):
            [process] = psutil.Process(self.started[name].pid).children()
            chance.choice(process.children(recursive=True)).kill()

    def sql(self, command: str) -> list[Any]:
        """What PostgreSQL answers, however often it has to be asked."""
        port = self.env["EMBEDDED_POSTGRES_PORT"]

        def ask() -> list[list[Any]] | None:
            with suppress(psycopg2.OperationalError, psycopg2.InterfaceError):
                connection = psycopg2.connect(
                    host="127.0.0.1",
                    port=port,
                    user="postgres",
                    dbname="celery_jobs",
                    connect_timeout=2,
                    passfile=self.home / "postgres.pass",
                )
                with connection, connection.cursor() as cursor:
                    cursor.execute(command)
                    return [cursor.fetchall() if cursor.description else []]
            return None

        return list(eventually(ask, "PostgreSQL doesn't answer", 40)[0])

    def answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.api}{self.health}", trust_env=False).status_code == 200
        return False

    def supervise(self) -> None:
        """Start again what has ended by itself, as systemd or Docker does; a worker may, if Redis or a process dies."""
        for name in self.fallen():
            self.start(name)

    def fallen(self) -> dict[str, str]:
        """What those processes said last that have ended by themselves."""
        return {name: (self.home / f"{name}.log").read_text()[-3000:] for name, process in self.started.items()
                if process.poll() is not None}  # fmt: skip


@contextmanager
def island(profile: str, commands: dict[str, str], health: str, **env: str) -> Iterator[Island]:
    """All of `commands` running, each started before what it needs, with an API that answers at its path `health`.

    Its home is outside of pytest's folder, which any pytest that begins closes to the user of PostgreSQL.
    """
    with tempfile.TemporaryDirectory(prefix="island-", ignore_cleanup_errors=True) as home:
        island = Island(Path(home), profile, commands, health, env)
        try:
            for name in island.commands:
                island.start(name)
            eventually(lambda: island.answers() or island.fallen(), "the API doesn't start", 40)
            assert island.fallen() == {}
            yield island
        finally:
            for process in island.started.values():
                end(process)
