"""Lesson 05's claims, on two live workers, one for each queue."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from celery import Celery
from celery.app.task import Task
from celery.exceptions import QueueNotFound
from celery.utils import nodenames
from kombu import Queue

from classroom.processes import NotReady, running
from classroom.recorder import recording
from global_config import LESSONS_HOME, RABBITMQ_URL
from lesson05 import call_tasks
from lesson05.tasks import app, clean_up, greet, report_year

pytestmark = pytest.mark.usefixtures("workers")

OLDER = """
from celery import Celery
app = Celery("older")
@app.task(queue="low")
def report(): ...
print(report.queue)
"""

CORES = """
import os
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
import billiard
from celery.utils.sysinfo import cpu_budget
print(billiard.cpu_count(), cpu_budget().count)
"""


@pytest.mark.parametrize(
    ("task", "args", "worker"),
    [(greet, ["Ada"], "worker-high"), (clean_up, [], "worker-low"), (report_year, [2025], "worker-low")],
    ids=["no route", "by name", "by pattern"],
)
def test_a_task_runs_where_its_route_leads(task: Task, args: list, worker: str) -> None:
    """An exact name and a pattern lead to low; what no route catches goes to the default queue, high."""
    receipt = task.apply_async(args=args)
    receipt.get(timeout=10)
    assert receipt.worker.partition("@")[0] == worker


@pytest.mark.parametrize(("queue", "worker"), [("lesson05-high", "worker-high"), ("lesson05-low", "worker-low")])
def test_the_call_is_stronger_than_the_route(queue: str, worker: str) -> None:
    """apply_async(queue=…) decides, whatever task_routes say."""
    receipts = [greet.apply_async(args=["Ada"], queue=queue), clean_up.apply_async(queue=queue)]
    for receipt in receipts:
        receipt.get(timeout=10)
        assert receipt.worker.partition("@")[0] == worker


def test_a_slow_task_on_low_does_not_hold_up_high() -> None:
    """A greeting on high is back while reports are still to be made on low; one on low comes back after them."""
    reports = [report_year.delay(year) for year in range(2020, 2025)]
    greet.apply_async(args=["Grace"], queue="lesson05-high").get(timeout=60)
    assert not reports[-1].ready()  # five seconds of work are before it
    greet.apply_async(args=["Grace"], queue="lesson05-low").get(timeout=60)
    assert all(report.ready() for report in reports)


def test_in_one_queue_a_task_waits_for_the_one_before_it() -> None:
    """When the greeting behind a report is back, the report is there already."""
    report = report_year.delay(2025)
    greet.apply_async(args=["Grace"], queue="lesson05-low").get(timeout=10)
    assert report.ready()


def test_a_misspelled_queue_keeps_its_message(profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No error and PENDING; the message lies where nobody reads, until the driver takes queue and message away."""
    call_tasks.misspell_a_queue()
    state, messages = [line.partition(":")[2].strip() for line in capsys.readouterr().out.splitlines()]
    assert state == "PENDING"
    assert messages == ("1 ….lesson05-hihg.msg" if profile == "embedded" else "1 at the server")
    assert not list(Path(LESSONS_HOME, "messages").glob("*hihg*"))
    if profile == "services":
        with app.connection_for_read() as connection, pytest.raises(connection.channel_errors, match="NOT_FOUND"):
            connection.default_channel.queue_declare("lesson05-hihg", passive=True)


@pytest.mark.once
def test_a_misspelled_queue_can_be_refused() -> None:
    """With task_create_missing_queues=False a queue that task_queues doesn't name is an error for whoever sends."""
    strict = Celery("strict", broker=RABBITMQ_URL, set_as_current=False)
    strict.conf.update(task_queues=[Queue("lesson05-high")], task_create_missing_queues=False)
    with pytest.raises(QueueNotFound, match="lesson05-hihg"):
        strict.send_task("lesson05.tasks.greet", queue="lesson05-hihg")


@pytest.mark.once
def test_a_pattern_matches_the_name_and_not_the_function() -> None:
    """A task of lesson05.tasks with a name of its own escapes a pattern of module names."""
    queues = {name: app.amqp.router.route({}, name)["queue"].name for name in ("lesson05.tasks.report_x", "report.x")}
    assert queues == {"lesson05.tasks.report_x": "lesson05-low", "report.x": "lesson05-high"}


@pytest.mark.once
@pytest.mark.parametrize(("keys", "delivered"), [(False, [1, 1]), (True, [0, 1])], ids=["no keys", "own keys"])
def test_without_a_key_of_its_own_each_queue_gets_a_copy(keys: bool, delivered: list[int]) -> None:
    """With a topic exchange a task for low is delivered to high as well, unless each queue has its own routing key."""
    other = Celery("other", broker="memory://", set_as_current=False)
    names = [f"high-{keys}", f"low-{keys}"]  # one memory for all apps of this process
    other.conf.update(
        task_queues=[Queue(name, routing_key=name) if keys else Queue(name) for name in names],
        task_default_queue=names[0],
        task_default_exchange_type="topic",
    )
    with other.connection_for_write() as connection:
        for queue in other.amqp.queues.values():
            queue(connection.default_channel).declare()
        other.send_task("report", queue=names[1], connection=connection)
        assert [connection.default_channel.queue_purge(name) for name in names] == delivered


@pytest.mark.once
def test_the_lessons_queues_have_keys_of_their_own() -> None:
    """So they stay apart with any type of exchange."""
    queues = (app.amqp.queues[name] for name in ("lesson05-high", "lesson05-low"))
    assert [queue.routing_key for queue in queues] == ["lesson05-high", "lesson05-low"]


def test_a_rate_limit_delays_other_tasks() -> None:
    """Limited tasks take all 4 places of the worker: a greeting behind 8 of them waits, though the process is idle."""

    def limit(rate: str) -> None:
        asked = {"destination": [f"worker-low@{nodenames.gethostname()}"], "reply": True, "limit": 1, "timeout": 30}
        (answer,) = app.control.rate_limit(clean_up.name, rate, **asked)
        assert "ok" in next(iter(answer.values()))

    limit("2/s")
    try:
        with recording(app, patience=30) as events:
            for _ in range(8):
                clean_up.delay()
            greeting = greet.apply_async(args=["Grace"], queue="lesson05-low")
    finally:
        limit("0")
    started = [event["uuid"] for event in events if event["type"] == "task-started"]
    assert 4 <= started.index(greeting.id) < 8  # not all: what it waits for is a place, not its turn


@pytest.mark.once
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux limits a process to some of its cores")
def test_auto_concurrency_respects_a_limit_to_one_core() -> None:
    """The default is the number of the machine's cores all the same."""
    said = subprocess.run([sys.executable, "-c", CORES], capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(os.cpu_count()), "1"]


@pytest.mark.once
def test_an_exact_name_comes_before_a_pattern() -> None:
    """Whatever their order in task_routes."""
    other = Celery("other", set_as_current=False)
    other.conf.task_routes = {"mail.*": {"queue": "pattern"}, "mail.send": {"queue": "exact"}}
    assert other.amqp.router.route({}, "mail.send")["queue"].name == "exact"
    assert other.amqp.router.route({}, "mail.read")["queue"].name == "pattern"


@pytest.mark.once
def test_without_a_setting_the_default_queue_is_called_celery() -> None:
    """Neither «default» nor the app's name."""
    assert Celery("other", set_as_current=False).conf.task_default_queue == "celery"


@pytest.mark.once
def test_a_queue_in_the_decorator_is_deprecated() -> None:
    """@app.task(queue=…) still works in 5.7, and warns, where warnings are shown, that it ends with 6.0."""
    quiet, told = (
        subprocess.run([sys.executable, *options, "-c", OLDER], capture_output=True, text=True, check=True)
        for options in ([], ["-W", "always"])
    )
    assert quiet.stdout == told.stdout == "low\n"
    assert "deprecated" not in quiet.stderr
    assert re.search(r"'queue' task attribute is deprecated[\s\S]*version 6\.0\. Use the task_routes", told.stderr)


def test_two_workers_need_two_names(profile: str) -> None:
    """On RabbitMQ a second worker called worker-high ends while starting; files don't notice, and it starts."""
    command = "celery -A lesson05.tasks worker --queues=lesson05-low --hostname=worker-high@%h --concurrency=1"
    logs = Path(os.environ["LESSONS_HOME"], "logs", "twins")
    second = running({"worker": f"{command} --loglevel=info"}, logs)
    if profile == "services":
        with pytest.raises(NotReady), second:
            pass
        assert "RESOURCE_LOCKED" in (logs / "worker.log").read_text()
    else:
        with second:
            pass
    assert greet.delay("Ada").get(timeout=10) == "Hello, Ada!"  # the first one is as well as before
