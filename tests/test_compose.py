"""docker-compose.yml brings up what the services profile asks for, and nothing that others could reach."""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

import global_config
from classroom.profile import COMPOSE
from classroom.servers import server

pytestmark = pytest.mark.once

FILE = Path(global_config.__file__).with_name("docker-compose.yml")
SERVICES = YAML(typ="safe").load(FILE)["services"]
ADDRESSES = global_config.PROFILES["services"]


def published(service: str) -> dict[int, int]:
    """A service's ports: outside -> inside."""
    pairs = (port.split(":")[1:] for port in SERVICES[service]["ports"])
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
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service]["ports"])


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_says_when_it_is_ready(service: str) -> None:
    """`up --wait` waits for health checks: each service has one."""
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("service", SERVICES)
def test_data_lie_in_named_volumes(service: str) -> None:
    """A volume is a name that the file declares, not a folder of yours."""
    volumes = [volume.partition(":")[0] for volume in SERVICES[service]["volumes"]]
    assert volumes
    assert set(volumes) <= set(YAML(typ="safe").load(FILE)["volumes"])


def test_only_flower_has_to_be_asked_for() -> None:
    """`docker compose up -d --wait` brings up all but Flower, which has a profile of its own and names its broker."""
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["flower"]
    broker = urlsplit(SERVICES["flower"]["environment"]["CELERY_BROKER_URL"])
    assert broker.hostname in SERVICES
    assert broker.port in published(broker.hostname).values()
