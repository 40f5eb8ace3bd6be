"""Explain in the learner's words why a check failed: a sentence, the line of the answer, what the system did."""

import io
import re
import traceback
from pathlib import Path

from classroom import bounds
from classroom.evidence import Evidence
from classroom.importing import AtImport, advice
from classroom.refusal import Refusal
from classroom.timeline import Row, Timeline, rows

ENDED = "The answer ended the whole program"
UNREADABLE = "Python can't read the file"
MOST_LINES = 20  # of what an answer prints


class Unmet(AssertionError):
    """A check's statement that doesn't hold."""


class OutOfTime(BaseException):
    """The check took or wrote more than the judge allows; no Exception, so that `except Exception` lets it through."""


class Exits(BaseException):
    """The answer would end the judge's process."""


def takes_long(error: BaseException) -> bool:
    """Whether it failed by waiting, as whatever comes next would too."""
    from celery.exceptions import TimeoutError

    return isinstance(error, (OutOfTime, TimeoutError))


def explain(error: BaseException, seen: Evidence | None, workspace: Path, died: bool) -> str:
    """Return what went wrong, in the learner's words: a sentence, the line of the answer, what the system did.

    The answer is workspace/exercise.py, and its workers log to workspace/logs; `died` says that one of them has ended.
    """
    lines = [sentence(error, seen, workspace, died)]
    if tip := advice(error, workspace / "exercise.py"):
        lines.append(tip)
    elif not isinstance(error, Unmet) and (line := line_of_task(error, seen) or line_of_answer(error, workspace)):
        lines.append(line)
    if seen and seen.here:
        lines.append(f"Ran in the caller's own process, not on a worker: {', '.join(dict.fromkeys(seen.here))}")
    if seen and seen.events and seen.messages() <= MANY and not isinstance(error, NotImplementedError):
        lines += ["", picture(seen.events)]
    return "\n".join(lines)


def difference(saw: object, wanted: object, what: str, idea: str) -> str:
    """What a check saw where it wanted something else, and the idea that may be behind it."""
    forgotten = f"{NO_RETURN} If that isn't the reason:\n" if saw is None else ""
    return f"looked at: {what}\nexpected:  {wanted!r}\nsaw:       {saw!r}\n{forgotten}{idea}"


def cause(text: str) -> str:
    """What two explanations have in common if one mistake is behind both: all but values, and the picture."""
    said = text.partition("\n\n")[0]
    if NO_RETURN in said:
        return NO_RETURN
    saw = said.rpartition("\nsaw: ")[2]
    return re.sub(r"\d+", "N", saw if saw == said else saw.partition("\n")[2])


def sentence(error: BaseException, seen: Evidence | None, workspace: Path, died: bool) -> str:
    """What went wrong, in one sentence."""
    from celery.exceptions import TimeoutError

    said = str(error).strip()
    match error:
        case OutOfTime() if said.startswith("Stopped after") and seen and seen.messages() > MANY:
            return f"{said}\nBy then {seen.messages()} messages had been sent. Does a loop send too many?"
        case OutOfTime() if said.startswith("Stopped after") and seen and unfinished(seen):
            return f"{said}\n{late(seen, workspace, died)}"
        case AssertionError() | Refusal() | OutOfTime() | AtImport() | Exits():
            return said or "The check failed."
        case SystemExit() if raised_in(error, workspace / "exercise.py"):
            return f"The answer ends the whole program, with sys.exit({error.code!r})."
        case SystemExit():
            return said
        case NotImplementedError():
            return f"Not written yet: {said or 'a function raises NotImplementedError'}"
        case SyntaxError() if str(error.filename).endswith("exercise.py"):
            return f"{UNREADABLE}: {error.msg}, line {error.lineno}: {(error.text or '').strip()}"
        case MemoryError():
            return bounds.MEMORY_MUCH
        case OSError() if "File too large" in said:
            return bounds.MUCH
        case Exception() if "reading from stdin" in said or type(error).__name__ in ("EOFError", "BdbQuit"):
            return READS
        case TimeoutError():
            return late(seen, workspace, died)
        case AttributeError() if "module 'exercise'" in said:
            return f"The exercise needs a name that isn't there: {said}"
        case TypeError() if re.search(NO_TUPLE, said):
            return f"{said}. args must be a tuple. (7) is just 7; a tuple with one element needs a comma: (7,)."
        case AttributeError() | TypeError() if re.match(SIGNATURE, said):
            return (
                f"{said}. A signature such as task.s(…), chain(…) or chord(…) only describes a call. Send it with "
                "delay() or apply_async(), which return the AsyncResult that you can wait for."
            )
        case AttributeError() if "'NoneType' object" in said:
            return f"{said}. {NO_RETURN}"
        case TypeError() if option := re.search(OPTIONS, said):
            return (
                f"{said}. delay() passes everything on to the task. {option[1]} is an option of the call; options go "
                "to apply_async(args=(…), …)."
            )
    raised = last_lines(f"{type(error).__name__}: {said}".rstrip(": "), 5)
    if from_task(error):
        return f"A task raised {raised}"
    if line_of_answer(error, workspace):
        return f"The answer raised {raised}"
    return f"The check couldn't use what the answer returned: {raised}"


READS = """The answer waits for keyboard input (input(), sys.stdin, breakpoint()), and there is none during a check.
Use the values that your function receives."""
STORED = """The answer writes a result into the result backend itself. Only the worker that runs the task
should do that. Send the task, and return its AsyncResult."""
AGAIN = "For the same reason as above: {}."
SKIPPED = "The answer skipped this check with pytest.skip() or pytest.xfail(), so it hasn't passed."
NO_RETURN = "A function without a `return` returns None."
MANY = 50  # messages; no exercise that ends asks for so many
SIGNATURE = r"dict\.get\(\) takes|get expected at |'(?:\w*[Cc]hain|group|_?chord|Signature)' object has no attribute"
RETRY_DELAY = 180  # seconds that a retry waits by default
NO_TUPLE = r"task args must be a list or tuple|argument after \* must be an iterable"
OPTIONS = r"unexpected keyword argument '(queue|countdown|eta|expires|priority|routing_key|task_id|link|retry)'"


def late(seen: Evidence | None, workspace: Path, died: bool) -> str:
    """Why a result didn't come in time."""
    found = unfinished(seen) if seen else []
    task = found[0].name if found else "a task"
    eta = seen.waits_longest() if seen else 0.0
    logs = "".join(file.read_text(errors="replace") for file in (workspace / "logs").glob("*.log"))
    if died:
        return f"A worker died, so the result of {task} will never arrive."
    if "MemoryError" in logs:
        return bounds.MEMORY_MUCH
    far = f"A result didn't arrive in time: a task has an eta or a countdown that is {eta:.0f} seconds away."
    if eta > RETRY_DELAY:
        return far
    if retries := [row for row in found if row.state == "waits to retry"]:
        return (
            f"A result didn't arrive in time: {retries[0].name} is still waiting to be run again. A retry without a "
            f"countdown waits for {RETRY_DELAY} seconds, unless the task has a default_retry_delay."
        )
    if lost := re.search(r"Process '.*' pid:\d+ exited with '(.*)'", logs):
        return (
            f"The pool process that ran {task} exited before it finished ({lost[1]}), so the result will never arrive."
        )
    if eta > 0:
        return far
    if waiting := [row for row in found if row.state == "queued"]:
        return f"No worker took {waiting[0].name}. It is still in the queue {waiting[0].queue}."
    return "A result didn't arrive in time: the task is still running, or stored no result."


def unfinished(seen: Evidence) -> list[Row]:
    """The tasks of which no end was heard."""
    return [row for row in rows(seen.events) if row.state in ("queued", "running", "waits to retry")]


def readable(check: str) -> str:
    """check_reports_go_to_low as words."""
    return check.removeprefix("check_").replace("_", " ")


def raised_in(error: BaseException, file: Path) -> bool:
    """Whether it was raised by this very file, and not by what it calls."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename == str(file)


def from_task(error: BaseException) -> bool:
    """Whether a worker's task raised it, and get() brought it here."""
    return any(frame.filename.endswith("celery/result.py") for frame in traceback.extract_tb(error.__traceback__))


def line_of_answer(error: BaseException, workspace: Path) -> str:
    """Where in the answer it happened, if it did."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == workspace / "exercise.py"]
    return f"at exercise.py, line {frames[-1].lineno}: {frames[-1].line}" if frames else ""


def line_of_task(error: BaseException, seen: Evidence | None) -> str:
    """Where in the answer a worker raised it, if one did; its traceback travels in the event."""
    for event in seen.events if seen and from_task(error) else []:
        if event["type"] == "task-failed" and type(error).__name__ in event["exception"]:
            found = re.findall(r'File ".*exercise\.py", (line \d+), in .*\n\s*(.*)', event.get("traceback") or "")
            return f"at exercise.py, {found[-1][0]}: {found[-1][1]}" if found else ""
    return ""


def last_lines(text: str, most: int = MOST_LINES) -> str:
    """The end of a text that may be long."""
    lines = [line if len(line) < 500 else f"{line[:500]} …" for line in text.splitlines()[-most:]]
    return "\n".join(lines)


def picture(events: list[dict]) -> str:
    """The timeline as plain text."""
    from rich.console import Console

    text = io.StringIO()
    Console(file=text, width=76).print(Timeline(events))  # 80 less the indent of `lesson check`
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())
