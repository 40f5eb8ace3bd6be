"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

import os
import sys
from uuid import UUID

import pytest

AUDITED = []  # what this process did with files, while a list is in here; an audit hook can't be taken away again


class Killed(BaseException):
    """In place of a signal, which would end the judge as well."""


KILL = []  # the file whose process is to be killed just before it gets its name


@sys.addaudithook
def note(event, args):
    if AUDITED and event in ("open", "os.rename", "os.link"):
        AUDITED[-1].append((event, args))
    if KILL and event in ("os.rename", "os.link") and str(args[1]) == KILL[0]:
        raise Killed


def killed(exercise, task_id, *args):
    """Run the task in this process until its file is to get its name; what it has written by then is left behind."""
    file = str(file_of(exercise, task_id))
    AUDITED.append([])
    KILL.append(file)
    try:
        said = exercise.write_statement.apply(args, task_id=task_id).result
    except Killed:
        said = None
    finally:
        KILL.clear()
        done = AUDITED.pop()
    if isinstance(said, NotImplementedError):
        raise said
    for event, given in done:
        if event != "open" and str(given[1]) == file and not os.path.exists(given[0]):  # tidied up: no kill does that
            with open(given[0], "w") as unfinished:
                unfinished.write("account of")
    return [str(given[0]) for event, given in done if event != "open" and str(given[1]) == file]


def rehearsed(exercise, task_id, *args):
    """The task's result in this very process, and how its file came by its name, step by step."""
    file = str(file_of(exercise, task_id))
    AUDITED.append([])
    try:
        said = exercise.write_statement.apply(args, task_id=task_id).result
    finally:
        done = AUDITED.pop()
    if isinstance(said, NotImplementedError):
        raise said
    ways = []
    for event, given in done:
        if event == "open" and str(given[0]) == file and given[2] & (os.O_WRONLY | os.O_RDWR):
            ways.append("opened for writing")
        elif event != "open" and str(given[1]) == file:
            ways.append("finished elsewhere, then named")
    return said, ways


def runs_of(seen, receipt):
    """How often the call with this receipt was run."""
    return sum(e["uuid"] == receipt.id and e["type"] == "task-started" for e in seen.events)


def file_of(exercise, task_id):
    """Where the statement of the call with this id belongs."""
    return exercise.OUTPUT / f"output_{task_id[:8]}.txt"


def files(exercise):
    return {file.name for file in exercise.OUTPUT.glob("output_*.txt")}


def expect_files(exercise, expect, receipts, before):
    """The calls with these receipts have added a file each to those that were there `before`, and no others."""
    wanted = sorted(file_of(exercise, receipt.id).name for receipt in receipts)
    expect(
        sorted(files(exercise) - before),
        wanted,
        what=f"new files in OUTPUT; calls that were made: {len(receipts)}",
        idea=(
            "The call has an id already, made by its caller: in a bound task it is self.request.id. It stays the same "
            "from retry to retry, and no two calls share it; a name made from anything else doesn't tell whose file it"
            " is. It is a text, and the caller may choose it: take its first 8 characters, whatever they are."
        ),
    )


def send(exercise, expect, *args, **options):
    """The receipt of write_statement, called with these arguments."""
    try:
        return exercise.write_statement.apply_async(args, **options)
    except TypeError as error:
        expect(
            error,
            "a receipt",
            what=f"write_statement called with {args}, as in the story",
            idea=(
                "Callers give a customer and two numbers. A bound task gets itself from Celery, as its first argument:"
                " bind=True and self belong together."
            ),
        )


def outcome(receipt):
    said = receipt.get(timeout=5, interval=0.02, propagate=False)
    if isinstance(said, NotImplementedError):
        raise said
    return said


def a_customer(values):
    return "".join(values.choices("abcdefghijklmnopqrstuvwxyz", k=6)).title()


@pytest.mark.judges(1, 2)
def check_the_file_is_named_after_the_id(exercise, run, expect, values):
    """Where does a task find its own id, and from which moment on does its caller know it?

    Lesson 07's table, its first row; and reports.py beside it, which names a file in the same way.

    With bind=True and self as the first argument: OUTPUT / f"output_{self.request.id[:8]}.txt"
    """
    customer, before = a_customer(values), files(exercise)
    with run():
        receipts = [send(exercise, expect, customer, 0, 0)]
        said = [outcome(receipts[0])]
        if not isinstance(said[0], Exception):  # then also as two links of a chain
            last = (exercise.write_statement.si(customer, 0, 0) | exercise.write_statement.si(customer, 0, 0))()
            receipts += [last.parent, last]
            said += [outcome(last.parent), outcome(last)]
            chosen = f"no-{values.randint(10_000, 99_999)}-of-{customer}"
            receipts.append(send(exercise, expect, customer, 0, 0, task_id=chosen))
            said.append(outcome(receipts[-1]))
    expect_files(exercise, expect, receipts, before)
    for receipt in receipts:
        expect(
            file_of(exercise, receipt.id).read_text(),
            f"account of {customer}, read on run 1\n",
            what="what is in the file",
            idea=(
                "The file holds what read_account returns, as it is; how often this call has been retried is "
                "self.request.retries."
            ),
        )
    expect(
        said,
        [f"posted {file_of(exercise, receipt.id).name} on run 1" for receipt in receipts],
        what=f"what each call for {customer} returned",
        idea="A statement is posted when it is written, and post says so.",
    )


@pytest.mark.judges(3, 4)
def check_it_is_run_again(exercise, run, expect, values):
    """Who runs a task again so that it keeps its id, and which failures are meant?

    Lesson 04, its first code block: what a bound task raises, the error it hands over, and the wait. max_retries stands
    in the decorator.

    except ConnectionError as error: raise self.retry(exc=error, countdown=0.1), around reading and posting
    """
    name = exercise.write_statement.name
    office = values.randint(3, 4)
    with run() as seen:
        receipt = send(exercise, expect, a_customer(values), 0, office)
        said = outcome(receipt)
    closed = f"with a post office that is closed for {office} runs"
    expect(
        seen.sent(name),
        1,
        what=f"how many calls were sent, their retries not counted, {closed}",
        idea=(
            "A retry is the same call under the same id. A new call has a new id, and with that another file and "
            "another receipt, which nobody holds."
        ),
    )
    expect(
        seen.runs(name),
        office + 1,
        what=f"how many times a worker ran it, {closed}",
        idea=(
            "self.retry() has Celery run the task again, up to max_retries times, which is 3 if you don't say. A loop "
            "in the task is one run, and keeps the process from other work."
        ),
    )
    expect(
        said,
        f"posted {file_of(exercise, receipt.id).name} on run {office + 1}",
        what=f"what it came to, {closed}",
        idea="The last run returns what post returns.",
    )
    with run() as seen:
        receipt, mistaken = send(exercise, expect, a_customer(values), 0, 99), send(exercise, expect, "", None, 0)
        said, mistake = outcome(receipt), outcome(mistaken)
    expect(
        (runs_of(seen, receipt), said),
        (5, ConnectionError("the post office is closed on run 5")),
        what="the number of runs and the end, where the post office stays closed",
        idea=(
            "max_retries counts the retries, not the first run, and what is given to retry(exc=…) comes out at the end."
        ),
    )
    expect(
        (runs_of(seen, mistaken), type(mistake).__name__),
        (1, "TypeError"),
        what="the number of runs and the end, where the caller gave None for a number, which is a TypeError",
        idea=(
            "Only a ConnectionError is worth another run: a ledger opens again. The same mistake in each run only "
            "hides the mistake for a while, or its name. Catch nothing but what demand 3 names."
        ),
    )
    asked = []

    def forbidden(*_):
        asked.append(len(asked) + 1)
        raise PermissionError("the ledger is not for you")

    read_account, exercise.read_account = exercise.read_account, forbidden
    try:
        said, _ = rehearsed(exercise, str(UUID(int=values.getrandbits(128), version=4)), a_customer(values), 0, 0)
    finally:
        exercise.read_account = read_account
    expect(
        (len(asked), type(said).__name__),
        (1, "PermissionError"),
        what="the number of runs and the end, run in this process, where read_account raises a PermissionError",
        idea=(
            "A PermissionError is an OSError, as a ConnectionError is, but only the latter goes away by itself. Catch "
            "nothing but what demand 3 names."
        ),
    )
    countdowns = seen.countdowns(name)
    expect(
        len(countdowns),
        4,
        what="how many of the four retries had a message that says to wait",
        idea=(
            "The wait belongs into the message: the countdown of the retry. A task that sleeps keeps its process busy, "
            "and no other statement is written meanwhile."
        ),
    )
    expect(
        0.07 < max(countdowns) < 0.11,
        True,
        what=f"whether the retries wait for 0.1 s each; their countdowns were {[round(one, 2) for one in countdowns]}",
        idea="The wait is the countdown of the retry, in seconds; if you don't say, it is 180.",
    )


@pytest.mark.judges(5)
def check_the_file_is_written_once(exercise, run, expect, values):
    """Which run is to write the file: the first, or the first that can? And how does a later run know that it is there?

    Look at the line that writes: what stands before it? The folder itself remembers, from run to run and from process
    to process.

    if not file.exists(): write what read_account returns under another name, and unfinished.replace(file). Then post
    the file in any case.
    """
    customer, ledger, before = a_customer(values), values.randint(1, 2), files(exercise)
    with run() as seen:
        receipt = send(exercise, expect, customer, ledger, ledger + 2)
        said = outcome(receipt)
    expect(
        said,
        f"posted {file_of(exercise, receipt.id).name} on run {ledger + 3}",
        what=f"what it came to, with a ledger that is open from run {ledger + 1} on",
        idea=(
            "A run that couldn't read the account has written nothing, and is to be run again as well. What counts is "
            "whether the file is there, not which run it is."
        ),
    )
    expect_files(exercise, expect, [receipt], before)
    text = file_of(exercise, receipt.id).read_text()
    expect(
        text,
        f"account of {customer}, read on run {ledger + 1}\n",
        what=f"what is in the file after {ledger + 3} runs",
        idea=(
            f"A retry runs the whole task again, also what is done already. Run {ledger + 1} wrote the file; later "
            "ones were to find it, and to leave it as it is."
            if customer in text
            else "That isn't this call's account. self and the module are the same for all calls in a process, so what "
            "you keep there is still there for the next customer."
        ),
    )
    sent = [e["timestamp"] for e in seen.events if e["uuid"] == receipt.id and e["type"] == "task-sent"]
    written = file_of(exercise, receipt.id).stat().st_ctime  # a run writes before it sends its retry
    expect(
        next((n for n, time in enumerate(sent) if written < time + 0.05), len(sent)),
        ledger + 1,
        what=f"the run that wrote the file last, of {ledger + 3} runs",
        idea=(
            "The text stayed the same, but the file was written again, and the printer prints it again. A run that "
            "finds the file writes nothing at all."
        ),
    )


@pytest.mark.judges(2, 5)
def check_a_file_that_is_there_stays(exercise, run, expect, values):
    """Can a first run come second? What does self.request.retries say when a message is delivered once more?

    Demand 5: a killed worker leaves its file behind, and its message begins again on another one, with the same id.

    Ask the folder, not the number of the run, nor anything in the process's memory: if not file.exists(): …
    """
    task_id = str(UUID(int=values.getrandbits(128), version=4))
    left = f"account of {a_customer(values)}, written by a worker that was killed then\n"
    file_of(exercise, task_id).write_text(left)
    before = file_of(exercise, task_id).stat()
    with run():
        said = outcome(send(exercise, expect, a_customer(values), values.randint(1, 2), 0, task_id=task_id))
    expect(
        file_of(exercise, task_id).read_text(),
        left,
        what="the file of a call that had been run before, by a killed worker",
        idea=(
            "The same message, delivered again, begins at retries 0 with the id that it had. Only what is outside of "
            "the worker's memory knows what has been done: here, the file itself."
        ),
    )
    after = file_of(exercise, task_id).stat()
    expect(
        (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns),
        True,
        what="whether that file was left alone, and not written again with the same text",
        idea="The printer sees that a file is written, whatever is in it. Where the file is there, write nothing.",
    )
    expect(
        said,
        f"posted {file_of(exercise, task_id).name} on run 1",
        what="what that call came to, where the ledger was closed at first",
        idea=(
            "The file was there, but it hadn't been posted."
            if "on run" not in str(said)
            else "The file was there, so the first run could post it. It needs no ledger for that: read the account "
            "only if the file is missing."
        ),
    )


@pytest.mark.judges(6)
def check_the_file_gets_its_name_when_it_is_whole(exercise, expect, values):
    """What is in the folder, if the process is killed between opening the file and writing into it?

    Lesson 07's reports.py: write_whole writes under a name that no run looks for, and only then gives the file its own.

    unfinished = file.with_suffix(".unfinished"); unfinished.write_text(…); unfinished.replace(file)
    """
    task_id = str(UUID(int=values.getrandbits(128), version=4))
    customer = a_customer(values)
    said, ways = rehearsed(exercise, task_id, customer, 0, 0)
    file = file_of(exercise, task_id)
    expect(
        (said, file.exists() and file.read_text()),
        (f"posted {file.name} on run 1", f"account of {customer}, read on run 1\n"),
        what="what write_statement returned, run in this process, and what is in its file",
        idea="The file holds what read_account returns, and is posted then.",
    )
    expect(
        ways,
        ["finished elsewhere, then named"],
        what="how the file came by its name, seen by what the process asked of the system",
        idea=(
            "A file that is opened for writing is empty at first. If the process is killed then, the next run finds a "
            "file that isn't whole, leaves it as it is, and posts it. Write under another name in the same folder, and "
            "rename the file when it is finished."
        ),
    )


@pytest.mark.judges(7)
def check_unfinished_files_do_not_get_in_the_way(exercise, expect, values):
    """Who else may be writing just now, and what did those leave behind who were killed?

    The name of an unfinished file: which calls use the same? And what does open() do if such a file is there already?

    unfinished = file.with_suffix(".unfinished"): it has the id in it, and write_text() writes over what is there
    """
    customer = a_customer(values)
    ids = [str(UUID(int=values.getrandbits(128), version=4)) for _ in range(2)]
    names = [name for task_id in ids for name in killed(exercise, task_id, customer, 0, 0)]
    expect(
        len(names),
        2,
        what="how many of two files were finished under another name, and then got theirs",
        idea="Write under another name, and rename the finished file: then no other process sees half of it.",
    )
    expect(
        len(set(names)),
        2,
        what="how many names two calls used for their unfinished files",
        idea=(
            "Two workers may write at the same time. Under one name, each writes into the other's file, and one "
            "customer gets the other's account, or half of it. Let the id be in this name too."
        ),
    )
    said, _ = rehearsed(exercise, ids[0], customer, 0, 0)
    file = file_of(exercise, ids[0])
    expect(
        (said, file.exists() and file.read_text()),
        (f"posted {file.name} on run 1", f"account of {customer}, read on run 1\n"),
        what="what the next run of a call came to, and its file, after a process was killed before it named that file",
        idea=(
            "A killed process tidies nothing up: its unfinished file is still there. The next run has to write over "
            "it, from the beginning, or to use another name."
        ),
    )
