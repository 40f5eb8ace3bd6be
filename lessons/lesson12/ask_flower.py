"""Lesson 12 · Monitoring: what Flower tells a program."""

import json
import os
import re
from base64 import b64encode
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

ADDRESS = f"http://127.0.0.1:{os.environ.get('FLOWER_PORT', 5555)}"
LOGIN = {"Authorization": f"Basic {b64encode(b'student:celery').decode()}"}  # as in the Procfile
START = "Start it in another terminal: celery -A lesson12.tasks flower --address=127.0.0.1 --basic-auth=student:celery"


def get(path: str) -> str:
    """The text of a page of Flower's."""
    try:
        return build_opener(ProxyHandler({})).open(Request(ADDRESS + path, headers=LOGIN), timeout=10).read().decode()
    except URLError as error:
        raise ConnectionError(f"Flower at {ADDRESS} says: {error.reason}. {START}") from None


def workers() -> dict[str, Any]:
    """What inspect says of each worker, asked now."""
    return json.loads(get("/api/workers?refresh=1"))


def states(ids: list[str]) -> list[str]:
    """The state of each task of these ids that Flower has heard of."""
    tasks = json.loads(get("/api/tasks"))
    return [tasks[each]["state"] for each in ids if each in tasks]


def counted(task: str, event: str) -> float:
    """How many such events of this task there were since Flower's start, as Prometheus would read it."""
    line = rf'^flower_events_total{{task="{re.escape(task)}",type="{event}",.*}} (\S+)$'
    return sum(map(float, re.findall(line, get("/metrics"), re.MULTILINE)))
