"""Lesson 07's claims, on a live worker with two processes."""

import re
import subprocess
import sys
import warnings
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from celery import Celery, chain, group, signals, uuid
from celery.app.trace import build_tracer
from celery.exceptions import AlwaysEagerIgnored, SoftTimeLimitExceeded, TimeLimitExceeded
from celery.result import AsyncResult

from classroom import answers, catalog
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


def wait_for(pattern: str, log: Path, times: int = 2) -> list[str]:
    """All matches of `pattern` in `log`, once there are that many."""
    deadline = monotonic() + 30
    while len(found := re.findall(pattern, log.read_text())) < times:
        assert monotonic() < deadline, f"{pattern!r} is in {log} {len(found)} times, not {times}"
        sleep(0.02)
    return found


@pytest.mark.once
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
    """They share the group's id, and nothing else; after a link of a chain they also share its parent and root."""
    two = group(tell.s("tea", 2), tell.s("rice", 1))()
    for member in two.children:
        told = answer(member)
        assert (told["id"], told["root_id"], told["parent_id"], told["group"]) == (member.id, member.id, None, two.id)
    two = chain(choose.s("tea"), group(tell.s(2), tell.s(1)))()
    for member in two.children:
        told = answer(member)
        assert told["root_id"] == told["parent_id"] == two.parent.id


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
from celery import Celery, Task
from celery.utils.log import get_task_logger
from global_config import REDIS_BROKER_URL, REDIS_URL
app = Celery("limited", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(task_default_queue="lesson07-limited", control_exchange="lesson07-limited")
@app.task(bind=True, name="limited", soft_time_limit=0.3)
def limited(self):
    assert self.request.soft_time_limit is None
    sleep(9)
class Hooked(Task):
    def on_failure(self, error, *_):
        get_task_logger(__name__).warning("on_failure for %r", error)
@app.task(base=Hooked, name="hard", time_limit=0.3)
def hard():
    sleep(9)
"""


@pytest.mark.once
def test_a_worker_keeps_to_the_decorators_limits_though_the_message_has_none(tmp_path: Path) -> None:
    """Sent by name, without limits, they hold anyway. After the hard limit on_failure runs in the main process."""
    (tmp_path / "limited.py").write_text(LIMITED)
    command = f"celery --workdir {tmp_path} -A limited worker --concurrency=1 --hostname=limited@%h --loglevel=info"
    caller = bare_app("lesson07-limited")
    with running({"worker": command}, tmp_path) as logs:
        with pytest.raises(SoftTimeLimitExceeded):
            answer(caller.send_task("limited"))
        with pytest.raises(TimeLimitExceeded):
            answer(caller.send_task("hard"))
        wait_for(r"WARNING/MainProcess\] .*on_failure for TimeLimitExceeded", logs["worker"], times=1)


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
def test_eager_tasks_store_nothing_and_send_task_is_not_eager() -> None:
    """delay() has the result at once; under its id there is nothing, unless task_store_eager_result says so."""

    def two() -> int:
        return 2

    for store, state in (False, "PENDING"), (True, "SUCCESS"):
        other = Celery("other", broker="memory://", backend="cache+memory://", set_as_current=False)
        other.conf.update(task_always_eager=True, task_store_eager_result=store)
        receipt = other.task(two, shared=False).delay()
        assert receipt.result == 2
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # "Results are not stored in backend …"
            assert other.AsyncResult(receipt.id).state == state
    with pytest.warns(AlwaysEagerIgnored):
        sent = other.send_task("two")
    assert sent.state == "PENDING"


@pytest.mark.once
@pytest.mark.parametrize(("compares", "redelivered", "runs"), [(False, True, 2), (True, True, 1), (True, False, 2)])
def test_a_worker_compares_ids_only_if_told_to_and_only_of_redelivered_messages(
    compares: bool, redelivered: bool, runs: int
) -> None:
    """worker_deduplicate_successful_tasks skips what succeeded and is delivered again, not what is sent twice."""
    other = Celery("other", broker="memory://", backend="cache+memory://", set_as_current=False)
    other.conf.update(worker_deduplicate_successful_tasks=compares, task_acks_late=True)
    ran, known = [], uuid()

    @other.task(name="task", shared=False)
    def task() -> None:
        ran.append(known)

    run = build_tracer("task", task, app=other)
    for again in False, redelivered:
        run(known, (), {}, {"id": known, "delivery_info": {"redelivered": again}})
    assert len(ran) == runs


@pytest.mark.once
def test_a_bound_task_called_like_a_function_by_another_task_has_no_id() -> None:
    """Though the outer one has: what is called like a function is no call of Celery's."""

    @Celery("other", set_as_current=False).task(bind=True)
    def outer(self: Any) -> list:
        return [self.request.id, tell("tea", 2)["id"]]

    assert outer.apply(task_id="outer").result == ["outer", None]


@pytest.mark.once
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


@pytest.mark.once
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


KILLED_WHILE_IT_WRITES = """
import importlib.util, os, resource, signal, sys
from celery import uuid

def run_again(task, *args):
    # Kill a process that runs `task` at the moment it writes to a file that it has opened; then run the task again.
    known = uuid()
    if not (child := os.fork()):
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        task.apply(args, task_id=known)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGXFSZ
    return known, task.apply(args, task_id=known).get()

for path in sys.argv[1:]:
    if not (child := os.fork()):  # a process for each answer: all call their task the same
        spec = importlib.util.spec_from_file_location("exercise", path)
        exercise = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(exercise)
        known, _ = run_again(exercise.write_statement, "Ada", 0, 0)
        assert (exercise.OUTPUT / f"output_{known[:8]}.txt").read_text() == "account of Ada, read on run 1\\n"
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, path

from lesson07.reports import FOLDER, make_report
known, (how, name) = run_again(make_report, 3, 0)
assert (how, (FOLDER / name).read_text()) == ("worked out", "sales of month 3")
"""


@pytest.mark.once
def test_a_process_killed_while_it_writes_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    """The next run under the same id finds nothing and does all of it: in the lesson and in every right answer."""
    lesson = catalog.find("07")
    files = [lesson.folder / "solution.py"]
    for answer in answers.right(lesson):
        files.append(tmp_path / answer.file.name)
        files[-1].write_text(answers.compose(lesson.folder / "solution.py", answer.file))
    script = subprocess.run([sys.executable, "-c", KILLED_WHILE_IT_WRITES, *files], capture_output=True, text=True)
    assert script.returncode == 0, script.stderr


@pytest.mark.once
def test_two_calls_are_two_payments() -> None:
    """A user who clicks twice makes two ids."""
    assert [answer(charge.delay("Ada", 20)) for _ in range(2)] == ["charged", "charged"]
    assert answer(charge.delay("Ada", 20, fail=1)) == "was charged already"


@pytest.mark.once
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
