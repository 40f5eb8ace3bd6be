"""Which profile is selected, and by what; `lesson use` changes it."""

import os
import shutil
import stat
import subprocess
from time import monotonic, sleep

from dotenv import dotenv_values, set_key, unset_key

from classroom import catalog, servers
from classroom.refusal import Refusal

ENV = catalog.COURSE / ".env"
VARIABLE = "LESSONS_PROFILE"
COMPOSE = {"RabbitMQ": "rabbitmq", "PostgreSQL": "postgres", "Redis": "redis"}  # their names in docker-compose.yml
DEADLINE = 60.0  # seconds for started servers to answer

BY_HAND = """To bring them up, either start Docker, or install it (docs.docker.com/get-started/get-docker).
Or, on Debian and Ubuntu, install them as services of the system:
  sudo apt install rabbitmq-server redis-server postgresql
  sudo -u postgres psql -c "ALTER USER postgres PASSWORD 'postgres'"
Then again: lesson use services
Nothing was changed."""


def setting(variable: str) -> tuple[str, str] | None:
    """The value of `variable`, and where it is set: in the environment, which wins, or in .env; None if nowhere."""
    if variable in os.environ:
        return (os.environ[variable], "the environment") if os.environ[variable] else None
    value = dotenv_values(ENV).get(variable)
    return (value, ".env") if value else None


def use(name: str) -> None:
    """Select the profile `name`, once what it needs is there; says what changed, or refuses and changes nothing."""
    in_environment, in_file = os.environ.get(VARIABLE), dotenv_values(ENV).get(VARIABLE)
    wanted = None if name == "embedded" else name  # what .env has to say: the default needs no line
    os.environ[VARIABLE] = name  # lets global_config be read where what is selected now makes no sense
    if in_file != wanted:
        refuse_read_only()
    if name == "services":
        ready_services()
    if in_file == wanted:
        print(f"The profile was {name} already; .env stays as it is.")
    else:
        write(wanted)
        print(
            f"The profile is {name} now: {f'wrote {VARIABLE}={name} to' if wanted else f'took {VARIABLE} out of'} .env."
        )
    if name == "embedded":
        tell_what_stays()
    if in_environment not in (None, "", name):
        print(
            f"But {VARIABLE}={in_environment} is set in the environment, and overrides .env. "
            f"To undo that: unset {VARIABLE}"
        )


def refuse_read_only() -> None:
    """Raise a Refusal if .env can't be written."""
    there = ENV if ENV.exists() else ENV.parent
    if not there.stat().st_mode & stat.S_IWUSR or not os.access(there, os.W_OK):
        raise Refusal(f"{there} is read-only, so nothing was changed. To allow it: chmod u+w {there}")


def write(wanted: str | None) -> None:
    """Make .env select `wanted`, or nothing; what else it says stays."""
    try:
        if wanted:
            set_key(ENV, VARIABLE, wanted, quote_mode="never", follow_symlinks=True)
        else:
            unset_key(ENV, VARIABLE, follow_symlinks=True)
    except OSError as error:
        raise Refusal(f"Can't write {ENV}: {error.strerror}. The profile stays as it was.") from None


def tell_what_stays() -> None:
    """On the embedded profile an address of one's own still leads to a server."""
    for name, url in services().items():
        if found := setting(name):
            print(f"{name} is set in {found[1]} and stays: {servers.without_password(url)}")


def services() -> dict[str, str]:
    """The four addresses of the services profile, each replaced by the variable of its name where that is set."""
    import global_config

    return {name: global_config.chosen(name) or url for name, url in global_config.PROFILES["services"].items()}


def ready_services() -> None:
    """Return once all servers answer and the database is there; start them if Docker can, else refuse plainly."""
    if troubles := unusable():
        start(troubles)
        wait_until_ready()
    print(f"{_names(services())} answer.")
    for name in create_missing_databases():
        print(f"Created the database {name}.")


def unusable() -> dict[str, servers.Trouble]:
    """What is wrong with which of the addresses; a database that can be created isn't."""
    addresses = services()
    found = servers.ask_all(addresses.values())
    troubles = {name: found[url] for name, url in addresses.items()}
    return {name: trouble for name, trouble in troubles.items() if trouble and trouble.kind != "database"}


def start(troubles: dict[str, servers.Trouble]) -> None:
    """Start with docker compose the servers that don't answer; refuses what it can't start."""
    what = "\n".join(dict.fromkeys(trouble.what for trouble in troubles.values()))
    for name, trouble in troubles.items():
        if trouble.kind != "silent":
            raise Refusal(f"{what}\n{trouble.mend} Nothing was changed.")
        if found := setting(name):
            raise Refusal(
                f"{what}\n{name} is set in {found[1]}: start that server, or take the line out. Nothing was changed."
            )
    if why_not := docker_missing():
        raise Refusal(f"{what}\n{why_not}\n{BY_HAND}")
    addresses = {name: services()[name] for name in troubles}
    print(f"Starting {_names(addresses)} with docker compose; the first time, it fetches them …", flush=True)
    wanted = {COMPOSE[servers.server(url)] for url in addresses.values()}
    only = [] if len(wanted) == len(COMPOSE) else sorted(wanted)  # leave alone what runs outside of Docker
    command = ["docker", "compose", "up", "-d", "--wait", *only]
    failed = subprocess.run(command, cwd=catalog.COURSE, stdin=subprocess.DEVNULL).returncode
    if failed and unusable():  # where the three answer, what failed is the page for Redis, and lessons don't need it
        raise Refusal("docker compose couldn't start them; the reason is above. .env was not changed.")


def docker_missing() -> str | None:
    """Why docker compose can't start anything here, as a sentence; None if it can."""
    if not shutil.which("docker"):
        return "Docker could start them, but isn't installed."
    for command, missing in (
        (["version"], "no Docker engine answers"),
        (["compose", "version"], "it has no compose plugin"),
    ):
        try:
            asked = subprocess.run(["docker", *command], stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return f"Docker could start them, but {missing}."
        if asked.returncode:
            return f"Docker could start them, but {missing}."
    return None


def wait_until_ready() -> None:
    """Return once all servers answer; says which it waits for, and gives up after DEADLINE seconds."""
    until = monotonic() + DEADLINE
    said = ""
    while troubles := unusable():
        if monotonic() > until:
            what = "\n".join(dict.fromkeys(trouble.what for trouble in troubles.values()))
            raise Refusal(f"{what}\nTo see why: docker compose logs. .env was not changed.")
        names = _names({name: services()[name] for name in troubles})
        if names != said:
            print(f"waiting for {names} …", flush=True)
        said = names
        sleep(0.5)


def _names(addresses: dict[str, str]) -> str:
    """The servers behind `addresses` as one says them: RabbitMQ, Redis and PostgreSQL."""
    *most, last = dict.fromkeys(servers.server(url) for url in addresses.values())
    return f"{', '.join(most)} and {last}" if most else last


def create_missing_databases() -> list[str]:
    """Create what the services profile's PostgreSQL lacks, if it answers; returns the names created."""
    created = []
    for url in dict.fromkeys(services().values()):
        if servers.server(url) == "PostgreSQL" and (name := servers.create_database(url)):
            created.append(name)
    return created


def servers_down() -> str | None:
    """One sentence about the first server of the services profile that can't be used; None if all can."""
    return next((str(trouble) for trouble in servers.ask_all(services().values()).values() if trouble), None)
