"""Lesson 06's claims, on a live worker."""

import subprocess
import sys
from enum import Enum, StrEnum
from pathlib import Path
from time import monotonic, sleep

import pytest
from celery import Celery, uuid
from celery.exceptions import NotRegistered, TimeoutError

from classroom.recorder import recording
from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson06 import call_tasks, moved
from lesson06.call_tasks import app
from lesson06.tasks import make_report, note_visit, send_welcome

pytestmark = pytest.mark.usefixtures("workers")

LOOK = """
import sys
from lesson06.call_tasks import app
print([name for name in sys.modules if name.startswith("lesson06")])
print({name.partition(".")[0] for name in app.tasks})
"""


def wait_for(text: str, log: Path) -> None:
    """Return once `text` stands in `log`."""
    deadline = monotonic() + 10
    while text not in log.read_text():
        assert monotonic() < deadline, f"{text!r} isn't in {log}"
        sleep(0.02)


@pytest.mark.once
def test_the_caller_has_none_of_the_workers_code() -> None:
    """Importing the driver imports no task, and its app knows none but Celery's own."""
    said = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == ["['lesson06', 'lesson06.call_tasks']", "{'celery'}"]


def test_a_name_and_arguments_are_enough() -> None:
    """send_task takes positional and keyword arguments, and its receipt brings the value home."""
    assert app.send_task("email.send_welcome", args=[42]).get(timeout=10) == "welcome mail to user 42"
    report = app.send_task("report.make", kwargs={"year": 2025, "currency": "EUR"})
    assert report.get(timeout=10) == "report of 2025 in EUR"


def test_a_task_of_a_given_name_can_be_called_either_way() -> None:
    """The name is what travels: who has the function sends the same message with delay()."""
    assert send_welcome.name == "email.send_welcome"
    assert send_welcome.delay(42).get(timeout=10) == app.send_task(send_welcome.name, args=[42]).get(timeout=10)


@pytest.mark.once
def test_a_given_name_survives_a_move() -> None:
    """send_goodbye lives in lesson06.moved, and its name says nothing of that."""
    assert moved.send_goodbye.run.__module__ == "lesson06.moved"
    assert app.send_task("email.send_goodbye", args=[42]).get(timeout=10) == "goodbye mail to user 42"


def test_an_automatic_name_moves_along() -> None:
    """count_users is called after its new module; whoever still sends the old name gets NotRegistered."""
    assert moved.count_users.name == "lesson06.moved.count_users"
    assert app.send_task("lesson06.moved.count_users").get(timeout=10) == "3 users"
    with pytest.raises(NotRegistered):
        app.send_task("lesson06.tasks.count_users").get(timeout=10)


def test_an_unknown_name_is_discarded_by_the_worker(workers: dict[str, Path]) -> None:
    """No error at the call; the worker throws the message away, the result is FAILURE, and the worker goes on."""
    lost = app.send_task("email.send_wellcome", args=[42])
    assert isinstance(lost.get(timeout=10, propagate=False), NotRegistered)
    assert lost.state == "FAILURE"
    wait_for("Received unregistered task of type 'email.send_wellcome'.", workers["worker"])
    wait_for("The message has been ignored and discarded.", workers["worker"])
    assert app.send_task("email.send_welcome", args=[1]).get(timeout=10) == "welcome mail to user 1"


def test_an_unknown_name_calls_no_error_callback() -> None:
    """A task that fails on a worker calls it; one that no worker knows doesn't."""
    called = {name: uuid() for name in ("report.make", "email.send_wellcome")}
    with recording(app) as events:
        for name, task_id in called.items():
            callback = app.signature("email.send_welcome", args=[7], immutable=True, task_id=task_id)
            app.send_task(name, args=[2025], link_error=callback)
    welcomes = {event["uuid"] for event in events} & set(called.values())
    assert welcomes == {called["report.make"]}


@pytest.mark.once
def test_autodiscover_imports_modules_of_packages() -> None:
    """tasks is the default; related_name names another one."""
    other = Celery("other", set_as_current=False)
    other.autodiscover_tasks(["lesson06"])
    other.autodiscover_tasks(["lesson06"], related_name="moved")
    other.loader.import_default_modules()  # as a worker does when it starts
    assert other.loader.task_modules >= {"lesson06.tasks", "lesson06.moved"}


@pytest.mark.once
def test_send_task_cannot_check_the_arguments() -> None:
    """delay() refuses a call without `currency` here; send_task sends it, and it fails on the worker."""
    with pytest.raises(TypeError, match="currency"):
        make_report.delay(2025)
    receipt = app.send_task("report.make", args=[2025])
    assert isinstance(receipt.get(timeout=10, propagate=False), TypeError)
    assert receipt.state == "FAILURE"


def test_the_caller_by_name_waits_for_an_ignored_result(workers: dict[str, Path]) -> None:
    """The task has run and stored nothing: PENDING for ever. With the function, delay() knows and get() gives None."""
    note = app.send_task("visits.note", args=[42])
    wait_for(f"Task visits.note[{note.id}] succeeded", workers["worker"])
    with pytest.raises(TimeoutError):
        note.get(timeout=0.5)
    assert note.state == "PENDING"
    assert note_visit.delay(42).get(timeout=10) is None


def test_send_task_takes_no_notice_of_the_setting_to_ignore_results(workers: dict[str, Path]) -> None:
    """task_ignore_result=True in the caller's own app doesn't keep it from waiting."""
    other = Celery("other", broker=RABBITMQ_URL, backend=POSTGRES_URL, set_as_current=False)
    other.config_from_object("global_config")
    other.conf.update(task_default_queue="lesson06", task_ignore_result=True)
    note = other.send_task("visits.note", args=[42])
    wait_for(f"Task visits.note[{note.id}] succeeded", workers["worker"])
    with pytest.raises(TimeoutError):
        note.get(timeout=0.5)


def test_the_caller_can_say_that_it_wants_no_result() -> None:
    """With ignore_result=True in send_task, get() gives None and doesn't wait."""
    assert app.send_task("visits.note", args=[42], ignore_result=True).get(timeout=10) is None


@pytest.mark.once
def test_names_belong_into_a_strenum() -> None:
    """A member of a StrEnum prints as the name; one of (str, Enum) prints as itself, and so it does in logs."""

    class TaskName(StrEnum):
        SEND_WELCOME = "email.send_welcome"

    class OldTaskName(str, Enum):  # noqa: UP042  it is the point
        SEND_WELCOME = "email.send_welcome"

    assert f"{TaskName.SEND_WELCOME}" == "email.send_welcome"
    assert f"{OldTaskName.SEND_WELCOME}" == "OldTaskName.SEND_WELCOME"
    assert app.send_task(TaskName.SEND_WELCOME, args=[42]).get(timeout=10) == "welcome mail to user 42"


def test_the_driver_tells_which_names_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    """The given name and the new automatic one have a value; the old one and the misspelled one are not registered."""
    call_tasks.call_what_has_moved()
    call_tasks.misspell_a_name()
    said = [line.partition(":")[2].strip() for line in capsys.readouterr().out.splitlines()]
    assert said[:3] == ["goodbye mail to user 42", "NotRegistered", "3 users"]
    assert said[3] == "FAILURE NotRegistered 'email.send_wellcome'"
