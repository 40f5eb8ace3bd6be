"""Lesson 12's claims, on its two live workers and Flower."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest
from celery import Celery
from playwright.sync_api import Page

from classroom.processes import end, guarded, running
from lesson12 import ask_flower, symptoms, tasks_redis
from lesson12.ask import ask, command, until
from lesson12.queues import waiting
from lesson12.tasks import LOG, app, develop, resize
from lesson12.watch import listen, slow_tasks

pytestmark = pytest.mark.usefixtures("workers")


@pytest.fixture
def busy_worker() -> Iterator[None]:
    """The lesson's worker is in the middle of a task that takes two seconds."""
    receipt = resize.delay("wall.png", 2.0)
    until(lambda: ask(app, "active"))
    yield
    receipt.get(timeout=15)


def test_flower_shows_the_tasks_in_a_browser_and_fetches_nothing_from_elsewhere(page: Page, tmp_path: Path) -> None:
    """Name, state and worker of each; all that the pages need comes from Flower itself."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_extra_http_headers(ask_flower.LOGIN)
    page.set_viewport_size({"width": 1320, "height": 500})
    receipts = [develop.delay("cat.png"), resize.delay("cat.png", 0.2), resize.delay("wall.png", 0.5)]
    receipts.append(symptoms.render.delay("long.mp4", 2.0))
    for receipt in receipts:
        receipt.get(timeout=15, propagate=False)
    until(lambda: set(ask_flower.states([each.id for each in receipts])) == {"SUCCESS", "FAILURE"})
    until(ask_flower.workers)
    page.goto(f"{ask_flower.ADDRESS}/tasks")
    for receipt, state in zip(receipts, ["SUCCESS", "SUCCESS", "SUCCESS", "FAILURE"], strict=True):
        row = page.locator("tr", has_text=receipt.id)
        row.wait_for(timeout=10_000)
        assert "lesson12.tasks." in row.inner_text()
        assert state in row.inner_text()
        assert "worker@" in row.inner_text()
    wanted = os.environ.get("LESSONS_PICTURES")
    picture = Path(symptoms.__file__).with_name("flower.png") if wanted else tmp_path / "flower.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size < 150_000
    page.goto(ask_flower.ADDRESS)
    page.get_by_text("worker@").first.wait_for(timeout=10_000)
    assert {url.split("/")[2] for url in asked if url.startswith("http")} == {ask_flower.ADDRESS.split("/")[2]}


@pytest.mark.once
def test_flowers_api_wants_its_password_and_metrics_do_not() -> None:
    """401 without the password of the Procfile."""
    open_url = build_opener(ProxyHandler({})).open
    with pytest.raises(HTTPError, match="401"):
        open_url(f"{ask_flower.ADDRESS}/api/tasks", timeout=10)
    assert b"flower_events_total" in open_url(f"{ask_flower.ADDRESS}/metrics", timeout=10).read()


def test_flower_asks_workers_for_events(tmp_path: Path) -> None:
    """A worker sends none unless told so, by -E or a setting; one that sends none is told by Flower, every 5 s."""
    assert not Celery("other", set_as_current=False).conf.worker_send_task_events
    (tmp_path / "quiet.py").write_text(
        "from lesson12.tasks import app\n"
        "app.conf.update(worker_send_task_events=False, task_default_queue='lesson12-quiet')\n"
    )
    line = "celery -A quiet worker --pool=solo --hostname=quiet@%h --loglevel=info"
    with running({"worker-quiet": line}, tmp_path, place=(tmp_path, dict(os.environ))) as logs:
        assert "task events: OFF (enable -E to monitor tasks in this worker)" in logs["worker-quiet"].read_text()
        until(lambda: "Events of group {task} enabled by remote." in logs["worker-quiet"].read_text())
        receipt = resize.apply_async(("cat.png", 0), queue="lesson12-quiet")
        receipt.get(timeout=10)
        until(lambda: "SUCCESS" in ask_flower.states([receipt.id]))
    forget("lesson12-quiet")


def forget(queue: str) -> None:
    """Take a queue of a test's own away."""
    with app.connection_for_write() as connection:
        connection.default_channel.queue_delete(queue)


def test_flower_knows_no_queue_length_of_these_brokers(profile: str) -> None:
    """Files are refused; of RabbitMQ, without its management plugin, it says that there are no queues."""
    if profile == "embedded":
        with pytest.raises(ConnectionError, match="Not Found"):
            ask_flower.get("/api/queues/length")
    else:
        assert json.loads(ask_flower.get("/api/queues/length")) == {"active_queues": []}


@pytest.mark.once
def test_a_missing_flower_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver says where it looked, and what to do."""
    monkeypatch.setattr(ask_flower, "ADDRESS", "http://127.0.0.1:1")
    with pytest.raises(ConnectionError, match=r"Flower at http://127\.0\.0\.1:1 .* celery -A lesson12\.tasks flower"):
        ask_flower.workers()


def test_basic_config_shows_in_flower_and_never_in_a_worker(workers: dict[str, Path]) -> None:
    """The worker sets up the root logger itself, and so its lines have Celery's format."""
    develop.delay("cat.png").get(timeout=10)
    assert "MY OWN FORMAT" in workers["flower"].read_text()
    for log in workers["worker"], LOG:
        assert "developing cat.png" in log.read_text()
        assert "MY OWN FORMAT" not in log.read_text()


def test_inspect_waits_for_a_second_unless_it_knows_how_many_will_answer() -> None:
    """With limit=1 the first answer is enough, and with destination that worker's; another one's doesn't count."""
    assert seconds_of_a_ping() >= 1
    (name,) = app.control.inspect().ping()
    for options in {"limit": 1}, {"destination": [name]}:
        assert seconds_of_a_ping(**options, timeout=60) < 60
    command = ["celery", "-A", "lesson12.tasks", "inspect", "ping"]
    for destination, status in ([], 0), (["-d", "worker@nowhere"], 69):
        assert subprocess.run([*command, *destination], capture_output=True).returncode == status


def seconds_of_a_ping(**options: Any) -> float:
    """How long one question takes."""
    start = monotonic()
    assert app.control.inspect(**options).ping()
    return monotonic() - start


@pytest.mark.servers
def test_what_a_worker_has_taken_ahead_is_reserved(busy_worker: None) -> None:
    """In no queue, neither active nor scheduled. A worker that reads files answers no question then."""
    receipt = resize.delay("door.png", 0)
    (task,) = until(lambda: ask(app, "reserved"))
    assert task["id"] == receipt.id
    assert receipt.id not in {task["id"] for task in ask(app, "active")}
    assert waiting(app, "lesson12") == 0


@pytest.mark.servers
def test_a_worker_takes_all_countdowns_unless_it_has_a_limit() -> None:
    """With a limit of 2 the others stay in the queue; and so does a task that could run at once.

    A worker that reads files takes one message at a time.
    """
    queue, logs = "lesson12-later", Path(os.environ["LESSONS_HOME"], "logs", "later")
    line = f"celery -A lesson12.tasks_redis worker --concurrency=1 --hostname=later@%h --queues={queue} --loglevel=info"
    with running({"worker": f"{line} -- worker.eta_task_limit=2"}, logs):
        names = until(tasks_redis.app.control.inspect().ping)
        inspect = tasks_redis.app.control.inspect(destination=[name for name in names if name.startswith("later@")])
        for _ in range(4):
            tasks_redis.stamp.apply_async(("postcard",), queue=queue, countdown=60)
        now = tasks_redis.stamp.apply_async(("letter",), queue=queue)
        until(lambda: len(next(iter(inspect.scheduled().values()))) == 2)
        until(lambda: waiting(tasks_redis.app, queue) == 3)
        assert now.state == "PENDING"
    with tasks_redis.app.connection_for_write() as connection:
        channel = connection.default_channel
        for tag, message in channel.client.hgetall("unacked").items():  # what the killed worker had taken
            if queue.encode() in message:
                channel.client.hdel("unacked", tag)
                channel.client.zrem("unacked_index", tag)
        channel.queue_purge(queue)
        channel.queue_delete(queue)


def test_in_flower_the_tasks_of_a_killed_worker_run_forever() -> None:
    """No event says that they have ended; Flower goes on, and shows what others do."""
    line = (
        "celery -A lesson12.tasks worker --concurrency=1 --hostname=killed@%h --queues=lesson12-killed --loglevel=info"
    )
    with running({"worker": line}, Path(os.environ["LESSONS_HOME"], "logs", "killed")):
        lost = resize.apply_async(("wall.png", 60), queue="lesson12-killed")
        until(lambda: ask_flower.states([lost.id]) == ["STARTED"], 30)
    after = resize.delay("cat.png", 0)
    until(lambda: ask_flower.states([after.id]) == ["SUCCESS"], 30)
    assert ask_flower.states([lost.id]) == ["STARTED"]
    forget("lesson12-killed")


def test_stats_name_no_queue_and_active_queues_do() -> None:
    """What waits, and where, isn't the workers' to know."""
    assert [queue["name"] for queue in ask(app, "active_queues")] == ["lesson12"]
    stats = ask(app, "stats")
    assert "lesson12" not in {key for key in stats if key != "total"} | set(map(str, stats["pool"]))
    assert not {"queues", "messages"} & set(stats)


GATE = """
from pathlib import Path
from time import sleep

from lesson12.tasks import app


@app.task(name="lesson12.wait")
def wait(gate):
    while not Path(gate).exists():
        sleep(0.02)
"""


def answers(options: str, tasks: int, folder: Path, while_busy: int = 1) -> list[str]:
    """Ask two workers at once; returns whose answers came, in order.

    One is the lesson's, here "other". One has these `options`, and gets this number of `tasks`; they end after
    `while_busy` answers have come and "other" has answered two more questions. It is "free" if it answers when its
    first task has ended, else "busy".
    """
    (folder / "gate.py").write_text(GATE)
    gate, came = folder / "open", []
    line = f"celery -A gate worker {options} --hostname=busy@%h --queues=lesson12-busy --loglevel=info"
    with running({"worker": line}, folder, place=(folder, dict(os.environ))) as logs:
        names = until(lambda: len(found := app.control.inspect().ping() or {}) == 2 and list(found))
        (other,) = (name for name in names if name.startswith("worker@"))
        sent = [app.send_task("lesson12.wait", [str(gate)], queue="lesson12-busy") for _ in range(tasks)]
        until(lambda: f"{sent[0].id}] received" in logs["worker"].read_text())
        until(lambda: waiting(app, "lesson12-busy") == 0)

        def note(answer: dict) -> None:
            came.append("other" if other in answer else "free" if sent[0].ready() else "busy")

        with ThreadPoolExecutor(1) as threads:
            threads.submit(app.control.ping, limit=2, timeout=60, callback=note)
            until(lambda: len(came) == while_busy)
            for _ in range(2):
                assert app.control.ping(destination=[other], limit=1, timeout=60)
            gate.touch()
        for receipt in sent:
            receipt.get(timeout=10)
    forget("lesson12-busy")
    return came


@pytest.mark.once
def test_on_files_a_full_worker_with_one_more_task_is_silent(tmp_path: Path) -> None:
    """It takes the second task and waits with it for a free process; it answers when there is one."""
    assert answers("--concurrency=1", tasks=2, folder=tmp_path) == ["other", "free"]


def test_a_busy_solo_worker_is_silent(tmp_path: Path) -> None:
    """It answers when its task has ended; a worker with a pool answers while its task runs."""
    assert answers("--pool=solo", tasks=1, folder=tmp_path) == ["other", "free"]
    (tmp_path / "open").unlink()
    assert sorted(answers("--concurrency=1", tasks=1, folder=tmp_path, while_busy=2)) == ["busy", "other"]


def test_watching_in_a_terminal_tells_of_workers_and_slow_tasks(tmp_path: Path) -> None:
    """`python -m lesson12.watch` says who is there at once, and which task was slow; quick ones it passes over."""
    told = tmp_path / "told"
    with told.open("w") as output:
        watcher = guarded("python -m lesson12.watch", output=output)
    try:
        until(lambda: "worker is there" in told.read_text())
        with app.events.default_dispatcher() as dispatcher:
            dispatcher.send("office-party")  # anybody may send events of their own
        for seconds in 0, 1.0:
            resize.delay("wall.png", seconds).get(timeout=10)
        until(lambda: "resize('wall.png', 1.0) took" in told.read_text())
        assert "resize('wall.png', 0)" not in told.read_text()
    finally:
        end(watcher)


def test_a_receiver_that_ends_leaves_no_queue(profile: str) -> None:
    """On files nothing else would ever take away what is written to it."""

    def bound() -> set[str]:
        with app.connection_for_read() as connection:
            return {row[2] for row in connection.default_channel.get_table("celeryev")}

    before = bound() if profile == "embedded" else set()
    told: list[str] = []
    listen(app, slow_tasks(app, 0.9, told.append), lambda: bool(told))
    assert told
    if profile == "embedded":
        assert bound() == before


def test_the_commands_of_the_table_count_messages(profile: str) -> None:
    """rabbitmqctl and redis-cli, where they are; an empty queue isn't a key of Redis."""
    if profile == "embedded":
        return
    command(tasks_redis.app, "cancel_consumer", "lesson12-redis")
    receipt = tasks_redis.stamp.delay("letter")
    try:
        if shutil.which("redis-cli"):  # what the worker was already waiting for may be handed to it, and come back
            until(lambda: typed("redis-cli -n 1 llen lesson12-redis").strip() == "1", 30)
    finally:
        command(tasks_redis.app, "add_consumer", "lesson12-redis")
    receipt.get(timeout=10)
    with tasks_redis.app.connection_for_read() as connection:
        assert not connection.default_channel.client.exists("lesson12-redis")
        before = connection.default_channel.client.hlen("unacked")
        later = tasks_redis.stamp.apply_async(("postcard",), countdown=0.5)
        until(lambda: ask(tasks_redis.app, "scheduled"))
        taken = connection.default_channel.client.hvals("unacked")
        assert [each for each in taken if later.id.encode() in each], before
    later.get(timeout=10)
    if shutil.which("rabbitmqctl") and os.geteuid() == 0:
        assert "lesson12\t0\t1" in typed("rabbitmqctl list_queues name messages_ready consumers").splitlines()


def typed(line: str) -> str:
    """What a command prints."""
    return subprocess.run(line.split(), capture_output=True, text=True, check=True, timeout=30).stdout
