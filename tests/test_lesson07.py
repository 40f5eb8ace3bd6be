"""Lesson 07's claims, on a live worker with two processes."""

import re
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from celery import Celery, chain, group, signals, uuid
from celery.exceptions import SoftTimeLimitExceeded
from celery.result import AsyncResult

from classroom.processes import running
from global_config import REDIS_BROKER_URL, REDIS_URL
from lesson07 import compare_requests
from lesson07.payments import charge
from lesson07.prices import CatalogueTask, look_up
from lesson07.reports import FOLDER, make_report
from lesson07.tasks import ATTRIBUTES, app, choose, tell

pytestmark = pytest.mark.usefixtures("workers")


def answer(receipt: AsyncResult) -> Any:
    return receipt.get(timeout=10, interval=0.02)


def wait_for(pattern: str, log: Path) -> list[str]:
    """All matches of `pattern` in `log`, once there are two."""
    deadline = monotonic() + 10
    while len(found := re.findall(pattern, log.read_text())) < 2:
        assert monotonic() < deadline, f"{pattern!r} isn't twice in {log}"
        sleep(0.02)
    return found


def test_the_caller_makes_the_id_before_anything_is_sent() -> None:
    """delay() has made the receipt's id when its message hasn't left this process yet."""
    made = []

    def look(headers: dict, **_: object) -> None:
        made.append((headers["id"], AsyncResult(headers["id"], app=app).state))

    signals.before_task_publish.connect(look)
    receipt = tell.delay("tea", 2)
    signals.before_task_publish.disconnect(look)
    assert made == [(receipt.id, "PENDING")]


def test_the_id_goes_from_the_caller_to_the_result() -> None:
    """Given, on the receipt, in the task and with the result it is one and the same."""
    known = uuid()
    receipt = tell.apply_async(args=("tea", 2), task_id=known)
    assert receipt.id == answer(receipt)["id"] == answer(AsyncResult(known, app=app))["correlation_id"] == known


def test_alone_a_call_is_its_own_root() -> None:
    """No parent, no group; queue, worker and limits are known."""
    receipt = tell.delay("tea", cups=2)
    told = answer(receipt)
    assert told["root_id"] == receipt.id
    assert told["parent_id"] is told["group"] is None
    assert (told["task"], told["retries"], told["called_directly"]) == ("lesson07.tasks.tell", 0, False)
    assert (told["args"], told["kwargs"]) == (["tea"], {"cups": 2})
    assert (told["delivery_info"]["routing_key"], told["hostname"].partition("@")[0]) == ("lesson07", "worker")


def test_in_a_chain_root_and_parent_are_earlier_links() -> None:
    """The third link's parent is the second, and its root the first."""
    third = chain(choose.s("tea"), choose.s(), tell.s(2))()
    told = answer(third)
    assert (told["root_id"], told["parent_id"]) == (third.parent.parent.id, third.parent.id)
    assert told["args"] == ["tea", 2]


def test_in_a_group_each_member_is_its_own_root() -> None:
    """They share the group's id, and nothing else."""
    two = group(tell.s("tea", 2), tell.s("rice", 1))()
    for member in two.children:
        told = answer(member)
        assert (told["id"], told["root_id"], told["parent_id"], told["group"]) == (member.id, member.id, None, two.id)


def test_after_a_retry_a_call_is_its_own_parent() -> None:
    """The id stays; what sent this message was the first run. In a chain the parent stays, too."""
    receipt = tell.delay("tea", 2, fail=1)
    told = answer(receipt)
    assert (told["id"], told["root_id"], told["parent_id"], told["retries"]) == (receipt.id, receipt.id, receipt.id, 1)
    assert (told["time_limit"], told["soft_time_limit"]) == (20, 10)
    link = chain(choose.s("tea"), tell.s(2, fail=1))()
    assert answer(link)["parent_id"] == link.parent.id


def test_the_limits_are_those_that_came_with_the_call() -> None:
    """The decorator's, where the caller has the code; the call's own, where it says so; none from a bare name."""
    assert answer(tell.delay("tea", 2))["time_limit"] == 20
    told = answer(tell.apply_async(args=("tea", 2), time_limit=7))
    assert (told["time_limit"], told["soft_time_limit"]) == (7, 10)
    told = answer(bare_app("lesson07").send_task("lesson07.tasks.tell", args=("tea", 2)))
    assert told["time_limit"] is told["soft_time_limit"] is None


def bare_app(queue: str) -> Celery:
    """An app of a caller who has none of the code."""
    bare = Celery("bare", broker=REDIS_BROKER_URL, backend=REDIS_URL, set_as_current=False)
    bare.config_from_object("global_config")
    bare.conf.update(task_default_queue=queue, control_exchange="lesson07")
    return bare


LIMITED = """
from time import sleep
from celery import Celery
from global_config import REDIS_BROKER_URL, REDIS_URL
app = Celery("limited", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(task_default_queue="lesson07-limited", control_exchange="lesson07-limited")
@app.task(bind=True, name="limited", soft_time_limit=0.3)
def limited(self):
    assert self.request.soft_time_limit is None
    sleep(9)
"""


@pytest.mark.once
def test_a_worker_keeps_to_the_decorators_limits_though_the_message_has_none(tmp_path: Path) -> None:
    """Sent by name, without limits; the soft limit of 0.3 seconds holds all the same."""
    (tmp_path / "limited.py").write_text(LIMITED)
    command = f"celery --workdir {tmp_path} -A limited worker --concurrency=1 --hostname=limited@%h --loglevel=info"
    with running({"worker": command}, tmp_path), pytest.raises(SoftTimeLimitExceeded):
        answer(bare_app("lesson07-limited").send_task("limited"))


@pytest.mark.once
def test_outside_of_a_worker_the_request_is_nearly_empty() -> None:
    """No id, no name of the task, called_directly; the arguments are there while it runs."""
    told = tell("tea", 2)
    assert (told["id"], told["called_directly"], told["args"]) == (None, True, ("tea", 2))
    assert told["task"] == "missing"
    assert not hasattr(tell.request, "task")
    assert tell.name == "lesson07.tasks.tell"


@pytest.mark.once
def test_apply_makes_an_id() -> None:
    """It runs a task here, as a worker would."""
    receipt = tell.apply(args=("tea", 2))
    told = receipt.get()
    assert (told["id"], told["called_directly"], told["time_limit"]) == (receipt.id, False, 20)


@pytest.mark.once
def test_a_bound_task_called_like_a_function_by_another_task_has_no_id() -> None:
    """Though the outer one has: what is called like a function is no call of Celery's."""

    @Celery("other", set_as_current=False).task(bind=True)
    def outer(self: Any) -> list:
        return [self.request.id, tell("tea", 2)["id"]]

    assert outer.apply(task_id="outer").result == ["outer", None]


def test_the_table_fits_a_terminal_and_names_every_attribute(capsys: pytest.CaptureFixture[str]) -> None:
    """80 columns, a row for each attribute."""
    compare_requests.compare_requests()
    lines = capsys.readouterr().out.strip().splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(ATTRIBUTES)
    assert max(map(len, lines)) <= 80


def test_the_task_logger_writes_the_id_before_each_message(workers: dict[str, Path]) -> None:
    """Both runs of a report stand in the log under one id."""
    receipt = make_report.delay(3, 1)
    answer(receipt)
    said = wait_for(rf"INFO/ForkPoolWorker-\d\] report\.make\[{receipt.id}\]: (run .*)", workers["worker"])
    assert said == ["run 1, figures worked out", "run 2, figures found in the cache"]


def test_what_is_named_after_the_id_is_found_again_by_a_retry_alone() -> None:
    """The second call for the same month works everything out again, into a file of its own."""
    retried, again = make_report.delay(3, 1), make_report.delay(3, 0)
    assert answer(retried) == ["found in the cache", f"output_{retried.id[:8]}.txt"]
    assert answer(again) == ["worked out", f"output_{again.id[:8]}.txt"]
    for receipt in retried, again:
        assert (FOLDER / f"output_{receipt.id[:8]}.txt").read_text() == "sales of month 3"
        assert (FOLDER / f"progress:{receipt.id}").read_text() == "2 of 2 steps"


def test_one_id_is_charged_once_and_celery_runs_it_twice(workers: dict[str, Path]) -> None:
    """Celery doesn't compare ids: the second message runs too, and it is the task that notices."""
    order = uuid()
    answer(charge.apply_async(args=("Ada", 20), task_id=order))
    charge.apply_async(args=("Ada", 20), task_id=order)
    ended = wait_for(rf"payment\.charge\[{order}\] succeeded in \S+: (.*)", workers["worker"])
    assert ended == ["'charged'", "'was charged already'"]
    assert answer(AsyncResult(order, app=app)) == "charged"  # the first result stays


def test_two_calls_are_two_payments() -> None:
    """A user who clicks twice makes two ids."""
    assert [answer(charge.delay("Ada", 20)) for _ in range(2)] == ["charged", "charged"]
    assert answer(charge.delay("Ada", 20, fail=1)) == "was charged already"


def test_runs_in_one_process_share_what_it_opened() -> None:
    """However many look-ups, each process has opened the catalogue once."""
    told = [answer(receipt) for receipt in [look_up.delay("tea") for _ in range(6)]]
    assert len({one["process"] for one in told}) < len(told)
    assert {one["openings"] for one in told} == {1}


@pytest.mark.once
def test_two_tasks_with_one_base_open_it_twice() -> None:
    """Each task is an object of its own; what is set on it stays for the next run."""
    other = Celery("other", set_as_current=False)

    def empty() -> None: ...

    one, two = (other.task(base=CatalogueTask, name=name)(empty) for name in ("one", "two"))
    assert one.catalogue is one.catalogue
    assert one.catalogue is not two.catalogue
    assert (one.openings, two.openings) == (1, 1)


@pytest.mark.once
def test_importing_the_task_opens_nothing() -> None:
    """The worker's main process imports it, and its children would share what is open."""
    code = "from lesson07.prices import look_up; print(look_up.openings)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "0\n"


@pytest.mark.once
def test_hooks_come_after_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """When they are called, the outcome is stored already; a run that is retried ends in on_retry."""
    other = Celery("other", broker="memory://", backend="cache+memory://", set_as_current=False)
    other.conf.task_store_eager_result = True
    seen = []

    def hook(name: str) -> Any:
        def note(self: Any, _: Any, task_id: str, *__: Any) -> None:
            seen.append((name, other.AsyncResult(task_id).state))

        return note

    base = type("Hooked", (CatalogueTask,), {f"on_{name}": hook(name) for name in ("success", "failure", "retry")})

    @other.task(base=base, bind=True, max_retries=1)
    def work(self: Any, fail: int) -> None:
        if fail:
            raise self.retry(exc=OSError(), countdown=0)

    work.apply([0])
    work.apply([1])
    assert seen == [("success", "SUCCESS"), ("retry", "RETRY"), ("failure", "FAILURE")]
