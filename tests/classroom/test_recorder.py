"""A recording is complete, holds nobody else's tasks, and leaves nothing at the broker."""

import importlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from threading import Event, Thread, Timer
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import psutil
import pytest
from celery import Celery

import global_config
from classroom import servers
from classroom.processes import running
from classroom.recorder import in_order, recording

# The face of a lesson, with a queue of its own. (Two test modules may run at once, and on servers they share a broker.)
RECORDED = """
from celery import Celery

from global_config import POSTGRES_URL, {broker}

app = Celery("{name}", broker={broker}, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(task_default_queue="{name}", control_exchange="{name}")
app.conf.event_queue_ttl = 0.5  # seconds for which a broker keeps an event that nobody reads


@app.task
def add(x, y):
    return x + y


@app.task
def divide(x, y):
    return x / y
"""
BROKERS = ["RABBITMQ_URL", pytest.param("REDIS_BROKER_URL", marks=pytest.mark.servers)]  # on files, both are one
UNREAD = f"unread_{uuid4().hex[:8]}"


@pytest.fixture(scope="module", params=BROKERS)
def tasks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The module of tasks, imported here and running in a prefork worker."""
    folder = tmp_path_factory.mktemp("recorded")
    name = f"recorded_{uuid4().hex[:8]}"
    (folder / f"{name}.py").write_text(RECORDED.format(broker=request.param, name=name))
    with pytest.MonkeyPatch.context() as here:
        here.syspath_prepend(folder)
        here.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        module = importlib.import_module(name)
        with running({"worker": f"celery -A {name} worker --loglevel=info --hostname={name}@%h"}, folder / "logs"):
            yield module
        with module.app.connection_for_write() as connection:
            for queue in (name, UNREAD):
                connection.channel().queue_delete(queue)
            if connection.transport.driver_type == "amqp":
                for exchange in (name, f"{name}.pidbox", f"reply.{name}.pidbox"):
                    connection.channel().exchange_delete(exchange)


def kinds(events: list[dict], uuid: str) -> list[str]:
    """What was recorded of one task, in order."""
    return [event["type"].removeprefix("task-") for event in events if event["uuid"] == uuid]


def test_every_event_of_every_task_is_recorded(tasks: Any) -> None:
    """Twenty times in a row: each of ten tasks is sent, received, started and ended, though nobody fetches a result."""
    for _ in range(20):
        with recording(tasks.app) as events:
            sent = [tasks.add.delay(1, number).id for number in range(9)]
            failed = tasks.divide.delay(1, 0).id
        whole = Counter(["sent", "received", "started", "succeeded"])
        assert [Counter(kinds(events, task)) for task in sent] == [whole] * 9
        assert Counter(kinds(events, failed)) == Counter(["sent", "received", "started", "failed"])
        assert len(events) == 40


def test_apps_of_several_brokers_are_recorded_once_each() -> None:
    """On servers each broker tells of its own; on files both addresses are one folder, and nothing comes twice."""
    names = [f"recorded_{uuid4().hex[:8]}" for _ in range(2)]
    urls = [global_config.RABBITMQ_URL, global_config.REDIS_BROKER_URL]
    apps = [Celery(name, broker=url, set_as_current=False) for name, url in zip(names, urls, strict=True)]
    for one in apps:
        one.config_from_object("global_config")
        one.conf.update(task_default_queue=one.main, control_exchange=one.main)
    with recording(*apps, patience=0.5) as events:
        for one in apps:
            one.send_task("nobody.reads.this", ignore_result=True)
    assert [(event["type"], event["queue"]) for event in events] == [("task-sent", name) for name in names]
    for one in apps:
        with one.connection_for_write() as connection:
            connection.channel().queue_delete(one.main)
            if connection.transport.driver_type == "amqp":
                connection.channel().exchange_delete(one.main)


def test_events_are_in_order_of_time(tasks: Any) -> None:
    """Not of arrival: the worker's may come before the caller's."""
    with recording(tasks.app) as events:
        fetched = [tasks.add.delay(1, number).get(timeout=10, interval=0.01) for number in range(5)]
    assert fetched == [1, 2, 3, 4, 5]
    assert len(events) == 20
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)


def test_a_block_that_sends_nothing_records_nothing(tasks: Any) -> None:
    """Neither the workers' heartbeats nor the recorder's own signs are kept."""
    with recording(tasks.app) as events:
        pass
    assert events == []


STRANGER = """
import sys
from celery import Celery

app = Celery("stranger", broker=sys.argv[1])
app.config_from_object("global_config")
with app.connection_for_write() as connection:  # closed in good order: the broker has everything when this ends
    app.send_task("stranger.task", queue=sys.argv[2], ignore_result=True, producer=app.amqp.Producer(connection))
    with app.events.Dispatcher(connection) as dispatcher:
        dispatcher.send("task-started", uuid="stranger")
"""


def send_from_elsewhere(tasks: Any, queue: str) -> None:
    """Another process sends a task to `queue`, and an event about a task nobody sent."""
    broker = tasks.app.conf.broker_url
    subprocess.run([sys.executable, "-c", STRANGER, broker, queue], check=True, cwd=global_config.ROOT)


def test_tasks_of_strangers_are_left_out(tasks: Any) -> None:
    """What another process sends to another queue isn't kept."""
    with recording(tasks.app) as events:
        mine = tasks.add.delay(1, 1).id
        send_from_elsewhere(tasks, UNREAD)
    assert {event["uuid"] for event in events} == {mine}


def test_what_others_send_to_the_apps_own_queue_is_kept(tasks: Any) -> None:
    """A task that another process (an API, a beat) sends to this worker belongs to the picture."""
    with recording(tasks.app) as events:
        send_from_elsewhere(tasks, tasks.app.conf.task_default_queue)
    assert [event["name"] for event in events if event["type"] == "task-sent"] == ["stranger.task"]


def test_a_long_block_loses_nothing(tasks: Any) -> None:
    """Also not what happened longer ago than a broker keeps unread events (event_queue_ttl)."""
    with recording(tasks.app) as events:
        early = tasks.add.delay(1, 1)
        early.get(timeout=10, interval=0.01)
        sleep(1.5)  # the block takes time, and says nothing
        late = tasks.add.delay(1, 1)
    assert [len(kinds(events, task.id)) for task in (early, late)] == [4, 4]


def test_a_queue_nobody_reads_is_not_waited_for(tasks: Any) -> None:
    """A task on a misspelled queue is in the picture, and delays nothing."""
    patience, began = 60, monotonic()
    with recording(tasks.app, patience=patience) as events:
        lost = tasks.add.apply_async((1, 1), queue=UNREAD).id
        found = tasks.add.delay(1, 1).id
    assert monotonic() - began < patience
    assert kinds(events, lost) == ["sent"]
    assert kinds(events, found)[-1] == "succeeded"


@pytest.mark.once
def test_nothing_of_a_task_comes_before_its_sending() -> None:
    """Even if the caller was interrupted before it noted that; a retry's message is left where it is."""
    told = [("sent", 1.0), ("started", 0.7), ("retried", 0.8), ("sent", 1.1), ("started", 1.2), ("succeeded", 1.3)]
    events = [{"type": f"task-{kind}", "uuid": "a", "timestamp": at} for kind, at in told]
    events += [{"type": "task-sent", "uuid": "unread", "timestamp": 0.9}]
    ordered = [(event["type"], event["timestamp"]) for event in in_order(events) if event["uuid"] == "a"]
    assert ordered == [(f"task-{kind}", at) for kind, at in [("sent", 0.7), *told[1:]]]


@pytest.fixture
def busy_neighbour(tasks: Any) -> Iterator[None]:
    """Somebody on the same broker whose tasks never stop."""
    stop = Event()

    def go_on() -> None:
        with tasks.app.connection_for_write() as connection, tasks.app.events.Dispatcher(connection) as dispatcher:
            while not stop.wait(0.2):
                dispatcher.send("task-started", uuid="stranger")

    thread = Thread(target=go_on)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.usefixtures("busy_neighbour")
def test_patience_ends(tasks: Any) -> None:
    """A task that won't end soon is given up before it runs, whatever is heard of workers and of others' tasks."""
    began = monotonic()
    with recording(tasks.app, patience=2.5) as events:  # longer than the 2 s between two heartbeats
        receipt = tasks.add.apply_async((1, 1), countdown=60)
    receipt.revoke()
    assert monotonic() - began >= 2.5
    assert set(kinds(events, receipt.id)) == {"sent", "received"}


def test_a_worker_that_is_kept_from_working_is_waited_for(tasks: Any) -> None:
    """A worker that is suspended for longer than the patience sends no heartbeat, so its task isn't given up."""
    named = [one for one in psutil.Process().children(recursive=True) if tasks.app.main in one.cmdline()]
    (worker,) = (one for one in named if one.parent() not in named)  # the others are its pool
    with recording(tasks.app, patience=1.0) as events:
        worker.suspend()
        (later := Timer(2.0, worker.resume)).start()
        task = tasks.add.delay(1, 1).id
    later.join()
    assert kinds(events, task)[-1] == "succeeded"


def test_an_error_in_the_block_comes_out(tasks: Any) -> None:
    """And what happened until then is recorded."""
    with pytest.raises(ZeroDivisionError), recording(tasks.app) as events:
        tasks.divide.delay(1, 0).get(timeout=10, interval=0.01)
    assert {event["type"] for event in events} >= {"task-sent", "task-failed"}


def bindings(tasks: Any) -> list[Any]:
    """Who gets events, as the broker has it; on RabbitMQ a queue like the recorder's is dropped by itself."""
    server = servers.server(tasks.app.conf.broker_url)
    if server == "files":
        return sorted(json.loads((global_config.LESSONS_HOME / "control" / "celeryev.exchange").read_text()))
    if server == "Redis":
        with tasks.app.connection_for_read() as connection:
            return sorted(connection.channel().client.smembers("_kombu.binding.celeryev"))
    return []


def unclaimed(tasks: Any) -> set[str]:
    """The queues with messages in them that nobody is bound to read."""
    if servers.server(tasks.app.conf.broker_url) != "files":
        return set()
    home = global_config.LESSONS_HOME
    tables = [json.loads(file.read_text()) for file in home.glob("control/*.exchange")]
    known = {f"{queue}.msg" for table in tables for _, _, queue in table}
    return {file.name.partition(".")[2] for file in home.glob("messages/*.msg")} - known


def test_nothing_is_left_at_the_broker(tasks: Any) -> None:
    """Afterwards no queue of the recorder's is bound, and none holds a message."""
    before = bindings(tasks)
    for _ in range(5):
        with recording(tasks.app):
            during = bindings(tasks)
            tasks.add.delay(1, 1)
        assert bindings(tasks) == before
        assert unclaimed(tasks) == set()
    assert during != before or before == []
