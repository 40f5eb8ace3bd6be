"""The file broker keeps every message, and stock kombu's doesn't: the day it does, file_broker.py can go."""

import inspect
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest
from celery.worker.loops import synloop
from kombu import Connection, Exchange, Producer, Queue
from kombu.transport import filesystem

from classroom.file_broker import Transport
from classroom.processes import end, guarded, last_lines, wait_until_ready
from tests.island import eventually

pytestmark = pytest.mark.once

# A module of its own, as a worker and its callers see it: each task leaves its number in the file `ran`.
COUNTED = """
import os
from pathlib import Path

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

HERE = Path(__file__).parent
if os.environ["TRANSPORT"] == "ours":
    TRANSPORT_ALIASES["filesystem"] = "classroom.file_broker:Transport"  # as global_config does

app = Celery("counted", broker="filesystem://localhost//")
app.conf.task_ignore_result = True
app.conf.task_default_queue = "counted"
app.conf.broker_transport_options = {
    "data_folder_in": str(HERE / "messages"),
    "data_folder_out": str(HERE / "messages"),
    "control_folder": str(HERE / "control"),
    "polling_interval": 0.01,
    "event_loop": os.environ.get("EVENT_LOOP") == "yes",
}


@app.task
def note(number, ballast=""):
    file = os.open(HERE / "ran", os.O_APPEND | os.O_WRONLY)
    os.write(file, f"{number}\\n".encode())  # one write at the end of the file: two processes don't mix
    os.close(file)
"""

FOLDERS = {"data_folder_in": "messages", "data_folder_out": "messages", "control_folder": "control"}
CONNECT = f"""
from kombu import Connection, Exchange, Producer, Queue

connection = Connection("filesystem://", transport="classroom.file_broker:Transport", transport_options={FOLDERS})
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the module `counted` in it, importable and the working folder of all that a test starts."""
    (tmp_path / "counted.py").write_text(COUNTED)
    (tmp_path / "messages").mkdir()
    (tmp_path / "ran").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # killed workers tidy nothing up there
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def connect(place: Path) -> Iterator[Callable[[], Connection]]:
    """Opens connections of this process to the file broker in `place`."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(Connection("filesystem://", transport=Transport, transport_options=FOLDERS))
    Transport.global_state.clear()  # what this process believes to be bound


@contextmanager
def at_once(*scripts: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Python scripts running side by side in the working folder while the block runs."""
    with ExitStack() as started:
        yield [
            started.enter_context(subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True))
            for script in scripts
        ]


@contextmanager
def workers(*names: str) -> Iterator[dict[str, Path]]:
    """Prefork workers of the module `counted`, ready, while the block runs; yields their logs."""
    logs = {name: Path(f"{name}.log") for name in names}
    with ExitStack() as started:
        for name, log in logs.items():
            with log.open("w") as output:
                command = f"celery -A counted worker --loglevel=info --concurrency=2 --hostname={name}@%h"
                process = guarded(command, output=output)
            started.callback(end, process)
            wait_until_ready("worker", process, log, monotonic() + 60)
        yield logs


def test_ctrl_c_stops_a_worker_after_some_seconds(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends by itself, but it looks for its end only between two waits for messages, of two seconds each."""
    monkeypatch.setenv("TRANSPORT", "ours")
    log = place / "worker.log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "celery", "-A", "counted", "worker", "--loglevel=info", "--concurrency=1"]
        worker = subprocess.Popen(command, stdout=output, stderr=output)
    wait_until_ready("worker", worker, log, monotonic() + 60)
    worker.send_signal(signal.SIGINT)
    assert worker.wait(timeout=60) == 1  # Celery's exit status after Ctrl-C; after SIGTERM it is 0
    assert "worker: Warm shutdown (MainProcess)" in log.read_text()
    assert not Transport.implements.asynchronous  # so the worker runs this loop
    assert "drain_events(timeout=2.0)" in inspect.getsource(synloop)


@pytest.mark.parametrize(("event_loop", "goes_on"), [("no", False), ("yes", True)])
def test_with_an_event_loop_idle_processes_may_be_killed(
    place: Path, monkeypatch: pytest.MonkeyPatch, event_loop: str, goes_on: bool
) -> None:
    """Without one, the process that waits for a task holds a lock, and killed, it never lets the others have it."""
    monkeypatch.setenv("TRANSPORT", "ours")
    monkeypatch.setenv("EVENT_LOOP", event_loop)
    with workers("a") as logs:
        [worker] = [one for one in psutil.Process().children(recursive=True) if "counted" in one.cmdline()
                    and one.parent().parent() == psutil.Process()]  # fmt: skip
        for process in worker.children():  # one of the two holds the lock
            process.kill()
            eventually(lambda: len(worker.children()) == 2 and not process.is_running(), "it isn't replaced", 30)  # noqa: B023
        assert send_and_wait(4, logs, quiet=60 if goes_on else 4) == ""  # what never runs can't be too slow
        assert (sorted(ran()) == [0, 1, 2, 3]) is goes_on


def ran() -> list[int]:
    """The numbers of the tasks that ran so far."""
    return [int(line) for line in Path("ran").read_text().splitlines()]


def unrecoverable(logs: dict[str, Path]) -> str:
    """The end of the log of a worker that met an error it can't go on after, or nothing."""
    texts = [log.read_text() for log in logs.values()]
    return next((last_lines(text) for text in texts if "Unrecoverable error" in text), "")


def send_and_wait(count: int, logs: dict[str, Path], quiet: float) -> str:
    """Send `count` tasks from two processes at once, and wait until as many ran, a worker died, or none ran for
    `quiet` seconds; returns what `unrecoverable` says."""
    send = "from counted import note\nfor number in range({}, {}): note.delay(number)"
    with at_once(send.format(0, count // 2), send.format(count // 2, count)) as publishers:
        before, since = -1, monotonic()
        while not unrecoverable(logs) and before < count and monotonic() < since + quiet:
            if len(ran()) > before:
                before, since = len(ran()), monotonic()
            sleep(0.05)
    assert [publisher.returncode for publisher in publishers] == [0, 0]
    return unrecoverable(logs)


@pytest.mark.parametrize("time", range(1, 4))
def test_each_of_2000_tasks_runs_exactly_once(place: Path, monkeypatch: pytest.MonkeyPatch, time: int) -> None:
    """Two workers consume while two processes publish: nothing is lost, nothing doubled, nobody dies."""
    monkeypatch.setenv("TRANSPORT", "ours")
    with workers("a", "b") as logs:
        assert send_and_wait(2000, logs, quiet=60) == ""
        assert sorted(ran()) == list(range(2000))
        assert list(place.glob("messages/*.counted.msg")) == []


def test_stock_kombu_breaks_under_that_load(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with the transport as kombu ships it: a worker dies, having found an empty message, or one is lost.

    When this fails, kombu has become safe to share, and file_broker.py can go.
    """
    monkeypatch.setenv("TRANSPORT", "kombu's")
    for _attempt in range(5):  # once was always enough so far
        Path("ran").write_text("")
        for message in place.glob("messages/*"):
            message.unlink()
        with workers("a", "b") as logs:
            broken = send_and_wait(2000, logs, quiet=5)
            if "JSONDecodeError" in broken or sorted(ran()) != list(range(2000)):
                return
    pytest.fail("kombu's own file transport carried 10,000 messages")


@pytest.mark.parametrize(("transport", "outcome"), [("ours", "it ran"), ("kombu's", "JSONDecodeError")])
def test_one_long_message(place: Path, monkeypatch: pytest.MonkeyPatch, transport: str, outcome: str) -> None:
    """Writing 4 MB takes a while: stock kombu's worker looks in between and dies of it, ours waits for the whole.

    When the second fails, kombu has become safe to share, and file_broker.py can go.
    """
    monkeypatch.setenv("TRANSPORT", transport)
    with workers("a") as logs, at_once("from counted import note; note.delay(1, 'x' * 4_000_000)"):
        eventually(lambda: ran() or unrecoverable(logs), "it neither runs nor breaks the worker")
        assert outcome in (unrecoverable(logs) or "it ran")


def test_stock_kombu_hands_out_an_empty_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that looks after the file is opened and before it is written gets an error, and the message is gone.

    When this fails, kombu has become safe to share, and file_broker.py can go.
    """
    with Connection("filesystem://", transport=filesystem.Transport, transport_options=FOLDERS) as connection:
        channel = connection.channel()
        assert type(channel) is filesystem.Channel
        found: list[BaseException] = []

        def look_then_write(payload: dict) -> str:
            try:
                channel._get("letters")
            except Exception as error:
                found.append(error)
            return json.dumps(payload)

        with monkeypatch.context() as slow_writer:
            slow_writer.setattr(filesystem, "dumps", look_then_write)
            channel._put("letters", {"body": "Dear reader"})
        assert [type(error) for error in found] == [json.JSONDecodeError]
        assert channel._size("letters") == 0
    filesystem.Transport.global_state.clear()


def test_a_reader_never_sees_an_unfinished_message(place: Path) -> None:
    """One process writes long messages, another takes them as soon as it can: every one is whole."""
    write = f"{CONNECT}\nqueue = connection.SimpleQueue('long')\nfor n in range(40): queue.put([n, 'x' * 2_000_000])"
    read = f"{CONNECT}\nfrom queue import Empty\nchannel, count = connection.channel(), 0\n" + (
        "while count < 40:\n"
        "    try:\n"
        "        channel._get('long')\n"
        "        count += 1\n"
        "    except Empty:\n"
        "        pass\n"
        "print(count)"
    )
    with at_once(write, read) as (writer, reader):
        try:
            assert reader.communicate(timeout=60)[0] == "40\n"
        finally:
            reader.kill()
    assert writer.returncode == 0
    assert list(place.glob("messages/*")) == []


def test_messages_come_in_the_order_they_were_sent(connect: Callable[[], Connection]) -> None:
    """Also when two connections take turns at sending them."""
    senders = [connect().SimpleQueue("letters"), connect().SimpleQueue("letters")]
    for number in range(100):
        senders[number % 2].put(number)
    reader = connect().SimpleQueue("letters")
    assert [reader.get(timeout=5).payload for _ in range(100)] == list(range(100))


def test_size_counts_and_purge_throws_away_one_queue(connect: Callable[[], Connection]) -> None:
    """Another queue's messages stay."""
    queue, other = connect().SimpleQueue("letters"), connect().SimpleQueue("parcels")
    for number in range(3):
        queue.put(number)
        other.put(number)
    assert (len(queue), len(other)) == (3, 3)
    assert queue.clear() == 3
    assert (len(queue), len(other)) == (0, 3)


def test_a_message_that_is_taken_while_it_is_handed_back_can_be_handed_back_again(
    connect: Callable[[], Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a worker's process is lost: one thread hands the message back, another takes it before that one is done.

    With kombu's own tags the second reject raises KeyError, and the message is gone.
    """
    connect().SimpleQueue("letters").put("Dear reader")
    parcels = connect().SimpleQueue("parcels")
    channel = connect().channel()
    taken = [channel.basic_get("letters")]
    put_back = channel._restore_at_beginning

    def put_back_and_take(message: object) -> None:
        put_back(message)
        taken.append(channel.basic_get("letters"))

    monkeypatch.setattr(channel, "_restore_at_beginning", put_back_and_take)
    for time in range(3):
        channel.basic_reject(taken[time].delivery_tag, requeue=True)
        parcels.put(time)
        assert channel.basic_get("parcels")  # with the next message a channel forgets what it has handed back
    assert [message.decode() for message in taken] == ["Dear reader"] * 4


@pytest.mark.parametrize("longer", ["x-high", "x.high", "high.x"])
def test_a_queue_with_a_longer_name_keeps_its_messages(connect: Callable[[], Connection], longer: str) -> None:
    """Neither of two queues whose names overlap takes, counts or throws away what is the other's."""
    high, other = connect().SimpleQueue("high"), connect().SimpleQueue(longer)
    high.put("for high")
    assert (len(high), len(other)) == (1, 0)
    with pytest.raises(other.Empty):
        other.get(timeout=0.1)
    assert other.clear() == 0
    other.put("for the other")
    assert high.get(timeout=5).payload == "for high"
    with pytest.raises(high.Empty):
        high.get(timeout=0.1)
    assert other.get(timeout=5).payload == "for the other"


def test_a_deleted_queue_is_forgotten_and_others_are_not(place: Path, connect: Callable[[], Connection]) -> None:
    """What is sent to the exchange afterwards goes to the other queue alone."""
    news = Exchange("news", type="fanout")
    channel = connect().channel()
    paper, radio = (Queue(name, news)(channel) for name in ("paper", "radio"))
    paper.declare()
    radio.declare()
    producer = Producer(channel, news)
    producer.publish("first")
    assert [channel._size(name) for name in ("paper", "radio")] == [1, 1]
    paper.delete()
    producer.publish("second")
    assert [channel._size(name) for name in ("paper", "radio")] == [0, 2]
    assert json.loads(Path("control/news.exchange").read_text()) == [["", "", "radio"]]


def test_a_message_that_comes_while_its_queue_is_deleted_is_not_left(
    place: Path, connect: Callable[[], Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the queue has been emptied, nothing is put there again."""
    channel = connect().channel()
    paper = Queue("paper", Exchange("news", type="fanout"))(channel)
    paper.declare()
    producer, purge = Producer(channel, paper.exchange), channel._purge
    monkeypatch.setattr(channel, "_purge", lambda queue: (purge(queue), producer.publish("late")))
    paper.delete()
    assert list(place.glob("messages/*")) == []


def test_many_processes_bind_at_once_and_every_binding_stays(place: Path) -> None:
    """Six processes bind 20 queues each to one exchange, and unbind half of them; nobody's change is lost."""
    bind = CONNECT + (
        "channel, news = connection.channel(), Exchange('news', type='fanout')\n"
        "queues = [Queue(f'{name}-{number}', news)(channel) for number in range(20)]\n"
        "for queue in queues: queue.declare()\n"
        "for queue in queues[::2]: queue.delete()"
    )
    with at_once(*[f"name = {name!r}\n{bind}" for name in "abcdef"]) as processes:
        assert [process.wait(timeout=60) for process in processes] == [0] * 6
    bound = [row[2] for row in json.loads(Path("control/news.exchange").read_text())]
    assert sorted(bound) == sorted(f"{name}-{number}" for name in "abcdef" for number in range(1, 20, 2))
