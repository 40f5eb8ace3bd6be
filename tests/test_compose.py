"""docker-compose.yml brings up what the services profile asks for, and nothing that others could reach."""

import os
import re
import shlex
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

import global_config
from classroom import catalog
from classroom.servers import server
from classroom.use import COMPOSE

pytestmark = pytest.mark.once

FILE = Path(global_config.__file__).with_name("docker-compose.yml")
SERVICES = YAML(typ="safe").load(FILE)["services"]
APPLICATIONS = {"api": "13", "jobs": "14", "documents": "15"}  # compose profile: lesson
ADDRESSES = global_config.PROFILES["services"]


def published(service: str) -> dict[int, int]:
    """A service's ports: outside -> inside."""
    ports = (re.sub(r"\$\{\w+:-(\d+)\}", r"\1", port) for port in SERVICES[service].get("ports", ()))
    pairs = (port.split(":")[1:] for port in ports)
    return {int(outside): int(inside) for outside, inside in pairs}


def test_it_is_a_compose_file() -> None:
    """The compose specification's own schema, which check-jsonschema brings along, accepts it."""
    command = ["check-jsonschema", "--no-cache", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    nowhere = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}  # nothing may be fetched
    checked = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **nowhere})
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", ADDRESSES)
def test_each_address_leads_to_a_published_port(name: str) -> None:
    """The port of each address of the services profile is the one its server has inside, too."""
    address = urlsplit(ADDRESSES[name])
    assert address.hostname == "localhost"
    assert published(COMPOSE[server(ADDRESSES[name])])[address.port] == address.port


def test_postgresql_has_the_user_and_the_database() -> None:
    """User, password and database of POSTGRES_URL are those that the image makes."""
    address = urlsplit(ADDRESSES["POSTGRES_URL"])
    made = SERVICES["postgres"]["environment"]
    assert made["POSTGRES_USER"] == address.username
    assert made["POSTGRES_PASSWORD"] == address.password
    assert made["POSTGRES_DB"] == address.path.strip("/")


def test_rabbitmq_keeps_its_own_user() -> None:
    """The image makes guest with the password guest unless told otherwise, as RABBITMQ_URL has it."""
    address = urlsplit(ADDRESSES["RABBITMQ_URL"])
    assert (address.username, address.password) == ("guest", "guest")
    assert "environment" not in SERVICES["rabbitmq"]


def test_the_pages_are_where_the_course_says() -> None:
    """RabbitMQ's page at 15672, Redis's at 8001, Flower's at 5555."""
    assert published("rabbitmq")[15672] == 15672
    assert published("redis-ui")[8001] == 5540
    assert published("flower")[5555] == 5555


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_published_to_others(service: str) -> None:
    """Every published port is bound to 127.0.0.1."""
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", ()))


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_says_when_it_is_ready(service: str) -> None:
    """`up --wait` waits for health checks: each service has one."""
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("service", [name for name, service in SERVICES.items() if "volumes" in service])
def test_data_lie_in_named_volumes(service: str) -> None:
    """A volume is a name that the file declares, not a folder of yours."""
    volumes = [volume.partition(":")[0] for volume in SERVICES[service]["volumes"]]
    assert set(volumes) <= set(YAML(typ="safe").load(FILE)["volumes"])


def test_only_the_servers_come_unasked() -> None:
    """`docker compose up -d --wait` brings up the three servers and the view into Redis; Flower names its broker."""
    assert [name for name, service in SERVICES.items() if "profiles" not in service] == [
        "rabbitmq", "postgres", "redis", "redis-ui"]  # fmt: skip
    broker = urlsplit(SERVICES["flower"]["environment"]["CELERY_BROKER_URL"])
    assert broker.hostname in SERVICES
    assert broker.port in published(broker.hostname).values()


def of_profile(profile: str) -> dict[str, dict]:
    """The services of a compose profile."""
    return {name: service for name, service in SERVICES.items() if profile in service.get("profiles", ())}


@pytest.mark.parametrize(("application", "number"), APPLICATIONS.items())
def test_an_application_is_its_procfile(application: str, number: str) -> None:
    """The same commands, but for what a container changes: PostgreSQL is another's, and Flower's port is published."""
    commands = dict(catalog.find(number).processes)
    commands.pop("postgres", None)
    ours = set()
    for command in commands.values():
        words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]  # those hurry a run
        ours.add(" ".join(words).replace("--address=127.0.0.1", "--address=0.0.0.0"))
    assert {service["command"] for service in of_profile(application).values()} == ours


@pytest.mark.parametrize("application", APPLICATIONS)
def test_an_application_finds_the_servers(application: str) -> None:
    """Each address is that of the services profile, with the server's name in place of localhost."""
    for service in of_profile(application).values():
        assert set(service["depends_on"]) == {"rabbitmq", "redis", "postgres"}
        for name, url in ADDRESSES.items():
            written = service["environment"][name]
            there = urlsplit(written)
            assert there.hostname == COMPOSE[server(url)]
            assert there.port in published(there.hostname).values()
            assert url == service["environment"][name].replace(
                f"{there.hostname}:{there.port}", f"localhost:{there.port}"
            )


@pytest.mark.parametrize("service", SERVICES)
def test_who_trusts_the_network_is_published_to_this_computer_alone(service: str) -> None:
    """API_HOST=0.0.0.0 and TRUST_NETWORK=1 stand together, and only where the port is bound to 127.0.0.1."""
    environment = SERVICES[service].get("environment", {})
    assert ("TRUST_NETWORK" in environment) == ("API_HOST" in environment)
    if "TRUST_NETWORK" in environment:
        assert (environment["API_HOST"], str(environment["TRUST_NETWORK"])) == ("0.0.0.0", "1")
        assert SERVICES[service]["ports"]
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[service]["ports"])


@pytest.mark.parametrize("service", SERVICES)
def test_no_container_has_more_than_it_needs(service: str) -> None:
    """No capabilities but those with which a server's image becomes its user, no way to get more, and bounds."""
    one = SERVICES[service]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["cap_drop"] == ["ALL"]
    assert ("cap_add" in one) == (service in ("rabbitmq", "postgres", "redis"))
    assert one["mem_limit"]
    assert one["pids_limit"]


@pytest.mark.parametrize("application", APPLICATIONS)
def test_an_application_comes_back_and_has_time_to_end(application: str) -> None:
    """Losing its broker can end a worker. All files are read-only but for /tmp, and LESSONS_HOME where it is kept."""
    for service in of_profile(application).values():
        assert service["restart"] == "unless-stopped"
        assert service["stop_grace_period"] == "60s"
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]
        mounts = [volume.partition(":")[2] for volume in service.get("volumes", ())]
        assert service["environment"]["LESSONS_HOME"] in [*mounts, "/tmp/lessons"]


@pytest.mark.parametrize("application", APPLICATIONS)
def test_a_token_and_names_reach_the_api(application: str) -> None:
    """And its health check needs neither."""
    api = next(service for name, service in of_profile(application).items() if name.endswith("api"))
    assert api["environment"]["API_TOKEN"] == "${API_TOKEN:-}"
    assert api["environment"]["API_HOSTNAMES"] == "${API_HOSTNAMES:-}"
    open_to_all = {"documents": "/health"}.get(application, "/")
    assert f"http://127.0.0.1:8000{open_to_all}'" in api["healthcheck"]["test"][-1]


@pytest.mark.parametrize("service", [name for name, one in SERVICES.items() if " worker " in one.get("command", "")])
def test_a_worker_is_healthy_if_it_answers_itself(service: str) -> None:
    """Without --destination any other worker's answer would count: all of an application share a control exchange."""
    command = SERVICES[service]["command"]
    name = re.search(r"--hostname=(\w+)@%h", command)
    assert f"--destination={name[1] if name else 'celery'}@$$(hostname)" in SERVICES[service]["healthcheck"]["test"][-1]


def test_redis_forgets_nothing() -> None:
    """It is a queue: it appends each write to a file, and refuses writes when it is full."""
    words = SERVICES["redis"]["command"].split()
    assert words[words.index("--appendonly") + 1] == "yes"
    assert words[words.index("--maxmemory-policy") + 1] == "noeviction"


def test_images_of_servers_are_of_the_current_series() -> None:
    """RabbitMQ 4 with its page, Redis 8, and PostgreSQL with pgvector."""
    images = {name: SERVICES[name]["image"] for name in ("rabbitmq", "redis", "postgres")}
    assert images == {
        "rabbitmq": "rabbitmq:4-management",
        "redis": "redis:8-alpine",
        "postgres": "pgvector/pgvector:pg17",
    }


def test_the_image_holds_what_the_applications_need_and_no_more() -> None:
    """Their lessons and classroom: what the Dockerfile copies is there, and isn't ignored."""
    text = FILE.with_name("Dockerfile").read_text()
    copied = {word for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE) for word in line.split()}
    assert all((FILE.parent / name).exists() for name in copied)
    kept = {line[1:] for line in FILE.with_name(".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == kept
    commands = " ".join(service["command"] for name, service in SERVICES.items() if "build" in service)
    lessons = {f"lessons/{name}" for name in re.findall(r"lesson\d\d", commands)}
    assert copied == {"pyproject.toml", "constraints.txt", "LICENSE", "global_config.py", "lessons/classroom", *lessons}


def test_a_changed_lesson_leaves_the_layer_with_the_libraries() -> None:
    """They are installed before anything is copied that changes from day to day, and by a version that we test."""
    text = FILE.with_name("Dockerfile").read_text()
    before = re.findall(r"^COPY (.*) \S+$", text[: text.index("pip install")], re.MULTILINE)
    assert before == ["pyproject.toml constraints.txt"]
    assert re.search(r"^FROM python:3\.(11|12|13)-slim$", text, re.MULTILINE)


def test_the_containers_user_has_a_fixed_number() -> None:
    """The volume of lesson 15 outlives the image, and its files belong to a number."""
    text = FILE.with_name("Dockerfile").read_text()
    assert re.search(r"useradd --uid 1000 .* learner", text)
    assert text.rstrip().rpartition("USER learner")[1]


def test_containers_that_run_tasks_start_again_and_have_time_to_stop() -> None:
    """A worker may end when its broker does, and a warm shutdown takes longer than Docker's 10 seconds."""
    for name, service in SERVICES.items():
        if "build" in service:
            assert service["restart"] == "unless-stopped", name
            assert int(service["stop_grace_period"].removesuffix("s")) >= 60, name
