"""What is said of a server that can't be used: plain, short and right."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from classroom import servers

URLS = {
    "RabbitMQ": "amqp://guest:secret@127.0.0.1:{}//",
    "Redis": "redis://:secret@127.0.0.1:{}/0",
    "PostgreSQL": "db+postgresql+psycopg2://postgres:secret@127.0.0.1:{}/celery_jobs",
}
each_server = pytest.mark.parametrize("who", URLS)


@pytest.fixture
def listen() -> Iterator[Callable[[Callable[[socket.socket], None] | None], int]]:
    """Opens a port whose connections the given function handles; without one, nobody ever answers there."""
    opened = []

    def open_port(handle: Callable[[socket.socket], None] | None = None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        opened.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                opened.append(connection)
                if handle:
                    with connection:
                        handle(connection)

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    yield open_port
    for each in opened:
        each.close()


def closed_port() -> int:
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def said(url: str) -> str:
    """What `trouble` says, after checking what holds for everything it says."""
    sentence = servers.trouble(url)
    assert sentence
    assert "secret" not in sentence
    assert "\n" not in sentence
    assert len(sentence) <= 240  # two lines
    assert sentence.endswith("Without servers: lesson use embedded.")
    return sentence


@pytest.mark.once
@each_server
def test_nobody_there(who: str) -> None:
    """Where nothing listens, the mend is to start the servers."""
    url = URLS[who].format(closed_port())
    where = url.replace("secret", "**")
    start = "To start all three servers: lesson use services."
    assert said(url).startswith(f"{who} doesn't answer at {where} (nothing is listening there). {start}")


@pytest.mark.once
def test_silent_ports(listen: Callable[..., int]) -> None:
    """A port that accepts and never answers is given up after two seconds."""
    found = servers.ask_all(url.format(listen()) for url in URLS.values())
    assert all(
        "(something is listening there, but doesn't answer for 2 seconds)" in str(each) for each in found.values()
    )
    assert len(found) == 3


@pytest.mark.once
def test_all_servers_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No question is answered until the last one is asked."""
    all_asked = threading.Barrier(len(URLS), timeout=30)
    monkeypatch.setattr(servers, "ask", lambda _: all_asked.wait())
    assert len(servers.ask_all(URLS.values())) == len(URLS)


@pytest.mark.once
@each_server
def test_somebody_else(who: str, listen: Callable[..., int]) -> None:
    """A port where something else listens is told from one where nothing does."""

    def greet(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    assert "(another program is listening there). Set " in said(URLS[who].format(listen(greet)))


@pytest.mark.once
@each_server
def test_an_unknown_host(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host name that doesn't resolve is called that."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "(unknown host)" in said(URLS[who].format(1).replace("127.0.0.1", "nowhere"))


@pytest.mark.once
def test_a_search_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time-out of a library covers the search for a host; ours does."""
    end = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: end.wait(20))
    assert "(no answer for 2 seconds)" in said(URLS["Redis"].format(1).replace("127.0.0.1", "nowhere"))
    end.set()


@pytest.mark.once
@each_server
@pytest.mark.parametrize("port", ["http", "99999"])
def test_no_address_at_all(who: str, port: str) -> None:
    """A port that can't be one is refused before anybody is asked."""
    assert f"can't be read as an address of {who}." in said(URLS[who].format(port))


@pytest.mark.once
@pytest.mark.parametrize(
    ("severity", "words", "mend"),
    [
        ("FATAL", 'password authentication failed for user "postgres"', "Set POSTGRES_URL in .env"),
        ("치명적오류", '"postgres" 사용자의 password 인증을 실패했습니다', "Set POSTGRES_URL in .env"),
        ("FATAL", "the database system is starting up", "Try again in a moment."),
    ],
)
def test_postgresql_refuses(severity: str, words: str, mend: str, listen: Callable[..., int]) -> None:
    """PostgreSQL's own words are handed on, without what the client puts around them, in any language."""

    def refuse(connection: socket.socket) -> None:
        while len(start := connection.recv(1000)) == 8:  # asks for encryption first
            connection.sendall(b"N")
        if start:
            fields = f"S{severity}\0V{severity}\0C28P01\0M{words}\0\0".encode()
            connection.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)

    assert f"refuses the connection: {words}. {mend}" in said(URLS["PostgreSQL"].format(listen(refuse)))


@pytest.mark.once
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"-NOAUTH Authentication required.\r\n", "wrong user or password"),
        (b"-WRONGPASS invalid username-password pair or user is disabled.\r\n", "wrong user or password"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "Redis is loading the dataset in memory. Try again"),
    ],
)
def test_redis_refuses(answer: bytes, words: str, listen: Callable[..., int]) -> None:
    """A wrong password and a Redis that isn't ready yet are told apart."""

    def refuse(connection: socket.socket) -> None:
        while connection.recv(1000):
            connection.sendall(answer)

    assert f"refuses the connection: {words}" in said(URLS["Redis"].format(listen(refuse)))


@pytest.mark.once
def test_files_always_answer() -> None:
    """What stands in for servers needs none."""
    assert servers.trouble("filesystem://localhost//") is None
    assert servers.trouble("db+sqlite:////nowhere/results.sqlite") is None


@pytest.mark.once
@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://guest:guest@localhost:5672//", "amqp://guest:**@localhost:5672//"),
        ("redis://:p@ss/word@localhost:6379/0", "redis://:**@localhost:6379/0"),
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("amqp://guest@localhost//", "amqp://guest@localhost//"),
        ("db+sqlite:////tmp/a:b/results.sqlite", "db+sqlite:////tmp/a:b/results.sqlite"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    """Also where one holds what a URL should have escaped."""
    assert servers.without_password(url) == shown


# What follows asks the real servers.


@pytest.fixture
def addresses() -> dict[str, str]:
    """The four addresses of the services profile."""
    import global_config

    return dict(global_config.PROFILES["services"])


@pytest.mark.servers
def test_real_servers_answer(addresses: dict[str, str]) -> None:
    """None of the four is in trouble."""
    assert set(servers.ask_all(addresses.values()).values()) == {None}


@pytest.mark.servers
def test_real_servers_refuse(addresses: dict[str, str]) -> None:
    """A wrong password, an unknown virtual host, an unknown user, a database number that is too high."""
    rabbitmq, redis = addresses["RABBITMQ_URL"], addresses["REDIS_URL"]
    wrong = "refuses the connection: wrong user or password. Set "
    assert wrong in said(rabbitmq.replace("guest:guest", "guest:secret"))
    assert wrong in said(redis.replace("redis://", "redis://nobody:secret@"))
    assert "refuses the connection: vhost nowhere not found" in said(rabbitmq.removesuffix("/") + "nowhere")
    assert "refuses the connection: DB index is out of range" in said(redis.removesuffix("0") + "999999")
    assert "refuses the connection: " in said(addresses["POSTGRES_URL"].replace("postgres:postgres", "nobody:secret"))


@pytest.mark.servers
def test_real_servers_taken_for_one_another(addresses: dict[str, str]) -> None:
    """Ports mixed up: each client notices."""
    assert "(another program is listening there)" in said(addresses["REDIS_URL"].replace("6379", "5672"))
    assert "(another program is listening there)" in said(addresses["RABBITMQ_URL"].replace("5672", "5432"))
    assert "(another program is listening there)" in said(addresses["POSTGRES_URL"].replace("5432", "5672"))


@pytest.fixture
def new_database(addresses: dict[str, str]) -> Iterator[str]:
    """The address of a database that isn't there; dropped afterwards."""
    name = f"lessons test {os.getpid()}"
    yield addresses["POSTGRES_URL"].replace("celery_jobs", name)
    with closing(servers._connect(addresses["POSTGRES_URL"])) as connection:
        connection.cursor().execute(f'DROP DATABASE IF EXISTS "{name}"')


@pytest.mark.servers
def test_a_missing_database_is_created_once(new_database: str) -> None:
    """PostgreSQL without the database is called that; eight who create it at once get in nobody's way."""
    name = new_database.rpartition("/")[2]
    assert f"has no database {name}. To create it: lesson use services." in said(new_database)
    with ThreadPoolExecutor(8) as threads:
        created = list(threads.map(lambda _: servers.create_database(new_database), range(8)))
    assert sorted(filter(None, created)) == [name]
    assert servers.trouble(new_database) is None


@pytest.mark.once
def test_the_wheels_postgresql_is_started_by_its_own_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither `lesson use` nor Docker would bring it up, so the sentence names what does."""
    url = f"postgresql+psycopg2://postgres@127.0.0.1:{closed_port()}/celery_jobs"
    monkeypatch.setattr("global_config.EMBEDDED_DATABASE", url)
    sentence = servers.trouble(f"db+{url}")
    assert str(sentence).endswith("Start it in a terminal of its own: python -m classroom.postgres")
    assert "lesson use" not in str(sentence)
