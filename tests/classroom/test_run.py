"""`lesson run` and the drivers, from outside: what they print, how they refuse, and that nothing is left of them."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4
from xml.etree import ElementTree

import pytest

from classroom import catalog, run
from classroom.processes import running
from classroom.refusal import Refusal

Alive = Callable[[], list[str]]
Gone = Callable[[], bool]
Finished = subprocess.CompletedProcess[str]

DRIVER = """
import time

from classroom.driver import run_driver
from lesson00.tasks import add, app


def main():
    print("the story begins", flush=True)
    {then}


if __name__ == "__main__":
    run_driver(main, app)
"""
ADDS = "print('fetched', add.delay(2, 3).get(timeout=10, interval=0.01))"
SLEEPS = "time.sleep(600)"
STOPPED = "Stopped; nothing is left running."


@dataclass
class Course:
    """A copy of the course, which a test may edit, a LESSONS_HOME for it, and a place for what is temporary."""

    folder: Path
    home: Path
    temporary: Path

    @property
    def lesson(self) -> Path:
        """The folder of lesson 00."""
        return self.folder / "lessons" / "lesson00"

    def drive(self, then: str) -> None:
        """Make `then` what lesson 00's driver does."""
        (self.lesson / "call_tasks.py").write_text(DRIVER.format(then=then))

    def env(self, **more: str) -> dict[str, str]:
        """Our environment, where the course is this copy; no colours are asked for."""
        path = os.pathsep.join([str(self.folder), str(self.folder / "lessons")])
        ours = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")}
        places = {"LESSONS_HOME": str(self.home), "TMPDIR": str(self.temporary)}
        return {**ours, "PYTHONPATH": path, **places, **more}

    def start(self, *command: str, **env: str) -> subprocess.Popen[str]:
        """Start `command` as a terminal would: in a process group of its own."""
        return subprocess.Popen(
            command, env=self.env(**env), cwd=self.folder.parent, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0,
        )  # fmt: skip

    def run(self, *command: str, **env: str) -> Finished:
        """Run `command` to its end."""
        return finish(self.start(*command, **env))

    def left(self) -> list[str]:
        """The folders of runs that are still there."""
        return [file.name for file in self.home.glob("run/*") if file.is_dir()]


def finish(process: subprocess.Popen[str]) -> Finished:
    """What `process` said until it ended."""
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def copy(folder: Path) -> Course:
    """Copy what lesson 00 needs, and add an empty lesson 01.

    It gets a queue of its own, because other tests run lesson 00 too, and on servers at the same time.
    """
    course = Course(folder / "course", folder / "home", folder / "temporary")
    course.temporary.mkdir()
    for part in ("classroom", "lesson00"):
        shutil.copytree(catalog.LESSONS / part, course.folder / "lessons" / part,
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    (course.folder / "lessons" / "lesson01").mkdir()
    (course.folder / "lessons" / "lesson01" / "__init__.py").touch()
    for part in ("global_config.py", "pyproject.toml"):
        shutil.copy(catalog.COURSE / part, course.folder)
    tasks = course.lesson / "tasks.py"
    for setting in ("task_default_queue", "control_exchange"):
        before = f'{setting}="lesson00"'
        assert before in tasks.read_text()
        tasks.write_text(tasks.read_text().replace(before, f'{setting}="{QUEUE}"'))
    return course


QUEUE = f"lesson00-{uuid4().hex[:8]}"


@pytest.fixture(scope="module", autouse=True)
def swept() -> Iterator[None]:
    """Takes the queue away from the server again."""
    yield
    if os.environ["LESSONS_PROFILE"] == "services":
        from kombu import Connection

        import global_config

        with Connection(global_config.RABBITMQ_URL) as connection:
            connection.channel().queue_delete(QUEUE)
            for exchange in (QUEUE, f"{QUEUE}.pidbox", f"reply.{QUEUE}.pidbox"):
                connection.channel().exchange_delete(exchange)


@pytest.fixture
def course(tmp_path: Path, alive: Alive) -> Course:
    """A copy of the course for one test, whose processes `alive` knows."""
    return copy(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, Finished]:
    """`lesson run 00 --svg picture.svg` as it is, run once for several tests."""
    course = copy(tmp_path_factory.mktemp("whole"))
    return course, course.run("lesson", "run", "00", "--svg", "picture.svg")


@pytest.mark.once
def test_the_copy_is_what_runs(course: Course) -> None:
    """Every part is imported from the copy, not from the course that is under test."""
    code = "import classroom, global_config, lesson00; print(classroom.__file__, global_config.ROOT, lesson00.__file__)"
    files = course.run("python", "-c", code).stdout.split()
    assert len(files) == 3
    assert all(Path(file).is_relative_to(course.folder) for file in files)


def test_the_story_is_all_that_goes_to_stdout(whole: tuple[Course, Finished]) -> None:
    """So it can be piped; title, places and timeline go to stderr."""
    _, run = whole
    assert run.returncode == 0
    story = run.stdout.splitlines()
    assert story[0] == "add(2, 3) runs here:        5"
    assert story[-1] == "{1, 2} isn't sent: Object of type set is not JSON serializable"
    assert "timeline" not in run.stdout
    title, places, *_ = run.stderr.splitlines()
    assert title == "lesson 00 · Basic calls"
    assert re.fullmatch("broker: .* · results: .*", places)
    assert re.search(r"(?m)^timeline .*\n.*\nadd\(2, 3\) .* succeeded ", run.stderr)


def test_nothing_is_left_of_a_run(whole: tuple[Course, Finished]) -> None:
    """Its folder is gone, and its workers, killed as they are, leave nothing where temporary files lie."""
    course, _ = whole
    assert course.left() == []
    assert list(course.temporary.iterdir()) == []
    if os.environ["LESSONS_PROFILE"] == "embedded":
        assert list((course.home / "run").iterdir()) == []


@pytest.mark.once
def test_the_picture_is_saved(whole: tuple[Course, Finished]) -> None:
    """--svg writes the timeline, relative to where the command was typed."""
    course, _ = whole
    picture = ElementTree.parse(course.folder.parent / "picture.svg").getroot()
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert "divide(1,\N{NO-BREAK SPACE}0)" in "".join(picture.itertext())


@pytest.mark.once
def test_a_pipe_gets_no_control_characters(whole: tuple[Course, Finished]) -> None:
    """No colours, no cursor movements: only text and ends of lines."""
    _, run = whole
    assert re.findall(r"[^\n\x20-\x7e\xa0-\U0010ffff]", run.stdout + run.stderr) == []


@pytest.mark.once
def test_logs_are_shown_beside_the_story(course: Course, gone: Gone) -> None:
    """--logs puts the name of the process before each line of its log; without it a run that works shows none."""
    course.drive(ADDS)
    quiet, loud = course.run("lesson", "run", "00"), course.run("lesson", "run", "00", "--logs")
    assert (quiet.returncode, loud.returncode) == (0, 0)
    assert quiet.stdout == loud.stdout == "the story begins\nfetched 5\n"
    assert "ready." not in quiet.stderr
    assert re.search(r"(?m)^worker │ .* ready\.$", loud.stderr)
    assert re.search(r"(?m)^worker │ .*Task lesson00\.tasks\.add\[.*\] received$", loud.stderr)
    assert gone()


@pytest.mark.once
def test_a_picture_that_cannot_be_written_is_refused_first(course: Course) -> None:
    """Before anything is started."""
    (course.folder.parent / "a-file").touch()
    run = course.run("lesson", "run", "00", "--svg", "a-file/picture.svg")
    assert run.returncode == 1
    assert run.stderr == (
        "Can't write a-file/picture.svg: Not a directory. Name a file in a folder that you can write to.\n"
    )
    assert not course.home.exists()


@pytest.mark.once
def test_a_driver_that_raises_is_told_in_a_sentence(course: Course, gone: Gone) -> None:
    """What, and on which line; no traceback; and the worker's log, which may hold the reason."""
    course.drive("raise ValueError('boom')")
    run = course.run("lesson", "run", "00")
    assert run.returncode == 1
    assert run.stdout == "the story begins\n"
    assert (
        "The driver stopped with ValueError: boom\n"
        "  at lessons/lesson00/call_tasks.py, line 10: raise ValueError('boom')\n"
    ) in run.stderr
    assert re.search(r"(?m)^The end of the log of worker:\n(  .*\n)*  .* ready\.$", run.stderr)
    assert "Traceback" not in run.stderr
    assert gone()
    assert course.left() == []


def when_starting(course: Course, process: subprocess.Popen[str]) -> None:
    """Return once the worker was started."""
    until = monotonic() + 20
    while not list(course.home.glob("run/*/logs/worker.log")):
        assert monotonic() < until
        assert process.poll() is None
        sleep(0.01)


def when_driving(course: Course, process: subprocess.Popen[str]) -> None:
    """Return once the driver told the first line of its story."""
    assert process.stdout
    assert process.stdout.readline() == "the story begins\n"


MOMENTS = {"starting": when_starting, "driving": when_driving}


@pytest.fixture
def interrupted(course: Course, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """`lesson run 00` at a moment when it would take ten minutes: its worker never gets ready, or its driver sleeps."""
    course.drive(SLEEPS)
    if request.param == "starting":
        (course.lesson / "Procfile").write_text('worker: python -c "import time; time.sleep(600)"\n')
    process = course.start("lesson", "run", "00")
    try:
        MOMENTS[request.param](course, process)
        yield process
    finally:
        process.kill()
        process.wait()


at_each_moment = pytest.mark.parametrize("interrupted", MOMENTS, indirect=True)


@pytest.mark.once
@at_each_moment
@pytest.mark.parametrize(
    ("send", "number", "status"),
    [(os.killpg, signal.SIGINT, 130), (os.kill, signal.SIGINT, 130), (os.kill, signal.SIGTERM, 143),
     (os.killpg, signal.SIGHUP, 129)],
)  # fmt: skip
def test_whoever_stops_a_run_is_told_so(
    course: Course, interrupted: subprocess.Popen[str], gone: Gone,
    send: Callable[[int, int], None], number: int, status: int,
) -> None:  # fmt: skip
    """Ctrl-C (which a terminal sends to the whole group), kill, a closed terminal: one sentence, and nothing left."""
    send(interrupted.pid, number)
    run = finish(interrupted)
    assert gone()
    assert course.left() == []
    assert run.returncode == status
    assert run.stderr.splitlines()[-1] == STOPPED
    assert run.stderr.count(STOPPED) == 1
    assert "Traceback" not in run.stderr


@pytest.mark.once
@at_each_moment
def test_ctrl_c_twice_is_as_good(course: Course, interrupted: subprocess.Popen[str], gone: Gone) -> None:
    """An impatient second one changes nothing."""
    for _ in range(20):
        interrupted.send_signal(signal.SIGINT)
        sleep(0.01)  # they are many, not in step with anything
    run = finish(interrupted)
    assert gone()
    assert course.left() == []
    assert run.returncode == 130
    assert run.stderr.splitlines()[-1] == STOPPED
    assert "Traceback" not in run.stderr


@pytest.mark.once
@at_each_moment
def test_nothing_survives_a_killed_run(course: Course, interrupted: subprocess.Popen[str], gone: Gone) -> None:
    """SIGKILL leaves `lesson` no time to clean up: worker and driver end anyway, the next run removes its folder."""
    [home] = course.home.glob("run/*/in-use")
    run.remove_left_homes(course.home / "run")
    assert home.exists()  # it is in use
    interrupted.kill()
    interrupted.wait()
    assert gone()
    run.remove_left_homes(course.home / "run")
    assert not home.parent.exists()


@pytest.mark.once
def test_two_runs_at_once_do_not_meet(course: Course, whole: tuple[Course, Finished], gone: Gone) -> None:
    """On files each has its own messages and results: both tell the whole story."""
    both = [finish(process) for process in [course.start("lesson", "run", "00") for _ in range(2)]]
    assert [run.returncode for run in both] == [0, 0]
    assert {run.stdout for run in both} == {whole[1].stdout}
    assert gone()
    assert course.left() == []


@pytest.mark.servers
def test_a_second_run_is_refused_on_servers(course: Course, gone: Gone) -> None:
    """There two would take each other's messages: the second says who is first."""
    course.drive(SLEEPS)
    first = course.start("lesson", "run", "00")
    when_driving(course, first)
    second = course.run("lesson", "run", "00")
    first.send_signal(signal.SIGINT)
    assert finish(first).returncode == 130
    assert second.returncode == 1
    assert second.stdout == ""
    assert f"lesson run 00 is already running (process {first.pid})" in second.stderr
    assert len(second.stderr.splitlines()) == 2  # the title and a sentence
    assert gone()


@pytest.mark.servers
def test_a_worker_typed_by_hand_is_used(course: Course, tmp_path: Path) -> None:
    """On servers a worker that reads the queue already does the work, is named, and lives on."""
    course.drive(ADDS)
    with running(
        catalog.procfile(course.lesson / "Procfile"), tmp_path / "by-hand", place=(tmp_path, course.env())
    ) as logs:
        run = course.run("lesson", "run", "00")
        again = course.run("python", "-m", "lesson00.call_tasks")
        log = logs["worker"].read_text()
    assert (run.returncode, again.returncode) == (0, 0)
    assert run.stdout == again.stdout == "the story begins\nfetched 5\n"
    assert f"using the worker that is already reading {QUEUE}\n" in run.stderr
    assert log.count("lesson00.tasks.add") >= 2


def broken_tasks(lesson: Path) -> str:
    tasks = lesson / "tasks.py"
    tasks.write_text(f"{tasks.read_text()}\nraise RuntimeError('out of tea')\n")
    return "RuntimeError: out of tea"


def broken_command(lesson: Path) -> str:
    (lesson / "Procfile").write_text("worker: celery -A lesson00.tasks worker --logfrobnicate=info\n")
    return "--logfrobnicate"


@pytest.mark.once
@pytest.mark.parametrize("breaks", [broken_tasks, broken_command])
def test_a_worker_that_dies_while_starting_shows_its_log(
    course: Course, gone: Gone, breaks: Callable[[Path], str]
) -> None:
    """One sentence, then what the worker said; the driver is never started."""
    why = breaks(course.lesson)
    run = course.run("lesson", "run", "00")
    assert run.returncode == 1
    assert run.stdout == ""
    title, sentence, *log = run.stderr.splitlines()
    assert title == "lesson 00 · Basic calls"
    assert sentence == "worker ended while starting. Its log:"
    assert why in "\n".join(log)
    assert all(line.startswith("  ") for line in log)
    assert gone()
    assert course.left() == []


@pytest.mark.parametrize(
    ("procfile", "why"),
    [
        ("worker celery -A lesson00.tasks worker\n", "line 1"),
        ("worker: celery\nworker: celery\n", "line 2"),
        ("# nothing\n", "names no process"),
        (None, "No such file"),
    ],
)
@pytest.mark.once
def test_a_procfile_that_does_not_parse_is_refused(course: Course, procfile: str | None, why: str) -> None:
    """The sentence says where, and how to get the file back."""
    if procfile is None:
        (course.lesson / "Procfile").unlink()
    else:
        (course.lesson / "Procfile").write_text(procfile)
    run = course.run("lesson", "run", "00")
    assert run.returncode == 1
    assert run.stdout == ""
    sentence = run.stderr.splitlines()[-1]
    assert len(run.stderr.splitlines()) <= 2
    assert why in sentence
    assert "git restore" in sentence
    assert course.left() == []


@pytest.mark.once
@pytest.mark.parametrize("number", ["77", "seven", "-1", "lesson", ""])
def test_an_unknown_lesson_is_refused(course: Course, number: str) -> None:
    """The sentence names those that there are."""
    run = course.run("lesson", "run", "--", number)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == f"There is no lesson {number!r}; there are 00 to 01. See: lesson list\n"


@pytest.mark.once
@pytest.mark.parametrize("below", ["home", "run"])
def test_a_home_that_cannot_be_written_is_refused(course: Course, below: str) -> None:
    """A file lies where a folder should be: one sentence, with the mend."""
    blocked = course.home if below == "home" else course.home / "run"
    blocked.parent.mkdir(exist_ok=True)
    blocked.touch()
    run = course.run("lesson", "run", "00")
    assert (run.returncode, run.stdout) == (1, "")
    sentence = run.stderr.splitlines()[-1]
    assert len(run.stderr.splitlines()) <= 2
    assert sentence.startswith(f"Can't write to {blocked}")
    assert sentence.endswith("Set LESSONS_HOME to another folder.")


@pytest.mark.once
def test_a_full_disk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is started; later, each part would fail in its own words."""
    usage = shutil.disk_usage(catalog.COURSE)._replace(free=180_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(Refusal) as refusal, run.fresh_home("lesson00"):
        pytest.fail("a run began")
    assert re.fullmatch(
        "A run needs 1000 kB, and only 180 are free at .*/run. Make room there, or set LESSONS_HOME to another folder.",
        str(refusal.value),
    )


def test_a_driver_without_a_worker_says_what_to_type(course: Course) -> None:
    """python -m lesson00.call_tasks alone: one sentence with the command."""
    run = course.run("python", "-m", "lesson00.call_tasks")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == (
        f"No worker is reading the queue {QUEUE}. Start it in another terminal, and wait until it says ready:\n"
        f"  {catalog.procfile(course.lesson / 'Procfile')['worker']}\n"
        "Or start everything with one command: lesson run 00\n"
    )


@pytest.mark.once
def test_arguments_go_to_the_driver(course: Course, gone: Gone) -> None:
    """Wherever they stand, with spaces and all; a driver that takes none refuses them."""
    refused = course.run("lesson", "run", "00", "--fast", "two words")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.endswith("\nThe driver of lesson 00 takes no arguments: --fast two words\n")  # and no logs
    driver = course.lesson / "call_tasks.py"
    driver.write_text(driver.read_text().replace("run_driver(main, app)", "run_driver(lambda: print(ARGV[1:]), app)"))
    driver.write_text(driver.read_text().replace("from classroom", "from sys import argv as ARGV\n\nfrom classroom"))
    run = course.run("lesson", "run", "00", "--fast", "two words", "--svg", str(course.folder / "now.svg"), "3")
    assert run.stdout == "['--fast', 'two words', '3']\n", run.stderr
    assert (course.folder / "now.svg").exists()
    assert gone()


@pytest.mark.parametrize("command", ["lesson run 00", "python -m lesson00.call_tasks"])
@pytest.mark.parametrize(
    ("name", "url", "who"),
    [
        ("RABBITMQ_URL", "amqp://guest:secret@localhost:1//", "RabbitMQ"),
        ("RABBITMQ_URL", "redis://:secret@localhost:1/0", "Redis"),
        ("POSTGRES_URL", "redis://:secret@localhost:1/0", "Redis"),
        ("POSTGRES_URL", "db+postgresql+psycopg2://me:secret@localhost:1/celery_jobs", "PostgreSQL"),
    ],
)
@pytest.mark.once
def test_a_server_that_does_not_answer_is_named(
    course: Course, gone: Gone, command: str, name: str, url: str, who: str
) -> None:
    """With its address but not its password, and what to do."""
    run = course.run(*command.split(), **{name: url})
    assert (run.returncode, run.stdout) == (1, "")
    sentence = run.stderr.splitlines()[-1]
    assert len(run.stderr.splitlines()) == (2 if "lesson" in command.split() else 1)
    assert sentence.startswith(f"{who} doesn't answer at ")
    assert "localhost:1/" in sentence
    assert "secret" not in sentence
    assert "lesson use" in sentence
    assert gone()
    assert course.left() == []
