"""Lesson 13's claims about its parts: what each of them knows, and how it is set."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from kombu.exceptions import EncodeError

import global_config
from classroom.processes import running
from lesson13 import service, store, tasks
from lesson13.celery_app import never_waiting
from lesson13.names import TaskNames
from lesson13.schemas import Outcome

pytestmark = pytest.mark.once

ALL_TASKS = {"lesson13.arithmetic", "lesson13.documents", "lesson13.requests", "lesson13.tasks"}


def test_a_task_cannot_be_a_coroutine(tmp_path: Path) -> None:
    """Of an async def no line is run, and its task fails, or even succeeds; a plain task may run one to its end."""
    (tmp_path / "mixed.py").write_text(
        "import asyncio\n"
        "from lesson13.tasks import app\n"
        "app.conf.task_default_queue = 'lesson13-mixed'\n"
        "async def work(mark):\n"
        "    open(mark, 'x').close()\n"
        "    return 'done'\n"
        "app.task(name='mixed.never')(work)\n"
        "app.task(name='mixed.ignored', ignore_result=True)(work)\n"
        "@app.task(name='mixed.to_its_end')\n"
        "def to_its_end(mark): return asyncio.run(work(mark))\n"
    )
    line = "celery -A mixed worker --pool=solo --hostname=mixed@%h --loglevel=info"
    with running({"worker": line}, tmp_path, place=(tmp_path, dict(os.environ))) as logs:
        _, never, to_its_end = (
            tasks.app.send_task(f"mixed.{name}", args=[name], queue="lesson13-mixed")
            for name in ("ignored", "never", "to_its_end")
        )
        with pytest.raises(EncodeError, match="Object of type coroutine is not JSON serializable"):
            never.get(timeout=60)
        assert never.state == "FAILURE"
        assert to_its_end.get(timeout=60) == "done"
        assert re.search(r"Task mixed\.ignored\S+ succeeded", logs["worker"].read_text())
    assert (tmp_path / "to_its_end").exists()
    assert not (tmp_path / "never").exists()
    assert not (tmp_path / "ignored").exists()


def test_messages_and_results_lie_in_two_databases_of_redis() -> None:
    """To empty one is not to lose the other."""
    services = global_config.PROFILES["services"]
    assert services["REDIS_BROKER_URL"] == "redis://localhost:6379/1"
    assert services["REDIS_URL"] == "redis://localhost:6379/0"


def test_the_state_of_a_group_sums_up_its_members() -> None:
    """PENDING until one begins, STARTED until all have ended, FAILURE if one failed."""
    for members, state in (
        (["PENDING", "PENDING"], "PENDING"),
        (["SUCCESS", "PENDING"], "STARTED"),
        (["FAILURE", "RETRY"], "STARTED"),
        (["SUCCESS", "FAILURE"], "FAILURE"),
        (["SUCCESS", "SUCCESS"], "SUCCESS"),
    ):
        told = store.of_group("an id", [Outcome(state=member) for member in members])
        assert told.state == state, members


def test_no_task_runs_forever() -> None:
    """One that hangs would keep its process; each has the app's limits."""
    ours = [task for task in tasks.app.tasks.values() if task.__module__.startswith("lesson13.")]
    assert {(task.soft_time_limit, task.time_limit) for task in ours} == {(300, 330)}


def test_nobody_in_the_api_may_wait_for_a_result() -> None:
    """While it runs, Celery refuses get()."""

    async def run() -> None:
        async with never_waiting(None):
            service.client.AsyncResult(str(uuid4())).get(timeout=1)

    with pytest.raises(RuntimeError, match="Never call"):
        asyncio.run(run())


def test_only_the_api_is_impatient() -> None:
    """The worker's app keeps Celery's defaults: three more tries to send, and no end of waiting for an answer."""
    assert tasks.app.conf.task_publish_retry_policy["max_retries"] == 3
    assert tasks.app.conf.redis_socket_timeout == 120
    assert "socket_timeout" not in tasks.app.conf.broker_transport_options


def test_a_signature_takes_the_member_of_an_enum_for_a_task() -> None:
    """And then its .name for the task's name."""
    assert service.client.signature(TaskNames.ADD).task == "ADD"
    assert service.call(TaskNames.ADD).task == "arithmetic.add"


def test_the_api_has_none_of_the_workers_code() -> None:
    """It knows tasks by their names: importing it imports no task."""
    look = f"import sys, lesson13.api; print({ALL_TASKS} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True).stdout == "set()\n"
