"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

from itertools import groupby
from time import monotonic, sleep

import pytest

WORDS = ("dear", "aunt", "rain", "soon", "home", "cake", "ship", "cold")
REASONS = ("too dark", "torn", "upside down", "wet", "written in pencil")
JAM = "the machine is jammed"  # a page at which it raises another exception


def written(outcome):
    """The outcome, unless the answer is still the blank."""
    if isinstance(outcome, NotImplementedError):
        raise outcome
    return outcome


def watched(exercise, pages):
    """A letter on a worker, and what the result backend said of it, look by look: states with what belongs to them."""
    receipt, looks, deadline = exercise.scan_letter.delay(pages), [], monotonic() + 8
    while monotonic() < deadline:
        try:
            meta = exercise.app.backend.get_task_meta(receipt.id)
            looks.append((meta["status"], meta["result"]))
        except ValueError as error:
            looks.append(("one that can't be read", error))
        if looks[-1][0] not in ("PENDING", "STARTED", "PROGRESS"):
            break
        sleep(0.02)
    receipt.forget()
    written(looks[-1][1])
    return [look for look, _ in groupby(looks)]


def rehearsed(exercise, pages, fault=OSError):
    """A letter in this very process, with a machine that takes no time: the outcome, and what was done on the way.

    That is a list of pairs: ("scan", page), or a state that was stored with what belongs to it.
    """
    log, backend, scan_page = [], exercise.app.backend, exercise.scan_page
    store_result = backend.store_result

    def scan_at_once(page):
        log.append(("scan", page))
        if page == JAM:
            raise fault(JAM)
        if page.startswith("!"):
            raise ValueError(page.removeprefix("!"))
        return page.upper()

    def note(task_id, result, state, *args, **kwargs):
        log.append((state, result))  # here, Celery itself stores nothing

    exercise.scan_page, backend.store_result = scan_at_once, note
    try:
        return written(exercise.scan_letter.apply((pages,)).result), log
    finally:
        exercise.scan_page, backend.store_result = scan_page, store_result


def expect_steps(expect, log, pages):
    """Each of these pages was scanned, and its end was reported; the first that can't be read is the last scanned."""
    told = [meta for state, meta in log if state == "PROGRESS"]
    expect(
        [meta for meta in told if not isinstance(meta, dict) or not {"current", "total", "message"} <= set(meta)],
        [],
        what="progress without current, total and message",
        idea="The caller reads these three: meta is a dict with these very names, and may hold more.",
    )
    expect(
        [meta for meta in told if (meta["total"], type(meta["message"])) != (len(pages), str)],
        [],
        what=f"progress with another total than {len(pages)}, or with a message that is no text",
        idea="total is how many pages there are, from the first report to the last; message is a sentence for people.",
    )
    steps = [(kind, what) for kind, what in log if kind in ("scan", "PROGRESS")]
    names = [f"scan {what!r}" if kind == "scan" else f"current: {what['current']}" for kind, what in steps]
    saw = [
        a for a, b in zip(names, ["", *names], strict=False) if a != b or a.startswith("scan")
    ]  # telling twice is fine
    if saw[:1] == ["current: 0"]:
        saw.pop(0)
    wanted = []
    for number, page in enumerate(pages, start=1):
        wanted.append(f"scan {page!r}")
        if page.startswith("!"):
            if saw[-1:] == [f"current: {number - 1}"]:
                saw.pop()  # the number once more, with the reason as message
            break
        wanted.append(f"current: {number}")
    differs = next((n for n, (a, b) in enumerate(zip(saw, wanted, strict=False)) if a != b), min(len(saw), len(wanted)))
    expect(
        saw[differs : differs + 4],
        wanted[differs : differs + 4],
        what=f"scans and progress, in their order, from where they differ; the pages were {', '.join(pages)}",
        idea=(
            "current is what is done by then: report it after each page and after the last one too, not before it, and "
            "not only now and then. Each page is scanned once, in its place, also one that reads like another. And "
            "stop at the page that can't be read."
        ),
    )


@pytest.mark.judges(1, 2)
def check_progress_can_be_seen_while_it_works(exercise, run, expect, values):
    """Who can say how many pages are done, when, and how does it get to somebody who only has the receipt?

    See print_pages in lesson 08: after each page it stores a state of its own, with a dict that the receipt gives as
    its info.

    self.update_state(state="PROGRESS", meta={"current": done, "total": len(pages), "message": f"page {done} is done"})
    """
    pages = values.sample(WORDS, k=values.randint(4, 6))
    pages.append(pages[0])  # two pages may read alike
    with run():
        looks = watched(exercise, pages)
    expect(
        looks[-1],
        ("SUCCESS", [page.upper() for page in pages]),
        what="state and result at the end",
        idea=(
            "A task says that it succeeded by returning its result: here the list of what scan_page gave, one text for "
            "each page. That takes the place of the progress."
        ),
    )
    told = [meta for state, meta in looks if state == "PROGRESS"]
    expect(
        [meta for meta in told if not isinstance(meta, dict) or not {"current", "total", "message"} <= set(meta)],
        [],
        what="progress without current, total and message",
        idea="Whoever watches reads these three: meta is a dict with exactly these names.",
    )
    middle = sorted({meta["current"] for meta in told} & set(range(1, len(pages))))
    expect(
        bool(middle),
        True,
        what=f"whether any of current 1 to {len(pages) - 1} was seen, of {len(pages)} pages",
        idea=(
            "We looked fifty times a second, from the beginning to the end. A task stores nothing while it runs, "
            "unless it does so itself; and progress that is told at the end is no help to who waits."
        ),
    )


@pytest.mark.judges(5)
def check_only_celery_says_failure(exercise, expect, values):
    """Who stores the state FAILURE, when a task raises an exception, and what does it store beside that word?

    See the trap in lesson 08: what callers see of a FAILURE that was set by hand. Compare with print_pages, which does
    nothing of that kind.

    No update_state(state="FAILURE", …) anywhere: raise Unreadable(number, str(error)) does all of it.
    """
    word, reason = values.choice(WORDS), values.choice(REASONS)
    logs = [rehearsed(exercise, pages)[1] for pages in ([word, f"!{reason}"], [word], [word, JAM])]
    expect(
        sorted({state for log in logs for state, _ in log} - {"scan", "PROGRESS"}),
        [],
        what="states that the task stored by itself, beside PROGRESS",
        idea=(
            "FAILURE, SUCCESS and the like are Celery's words. To FAILURE belongs a description of the exception, "
            "which a meta of your own is not: on Redis nobody can read such a result. Let the task raise."
        ),
    )


@pytest.mark.judges(3, 5)
def check_a_page_that_cannot_be_read_is_a_failure(exercise, run, expect, values):
    """What does a caller believe who sees SUCCESS, and how does a task tell that it isn't one?

    See print_pages in lesson 08, where the paper runs out: what it does is all that's needed for the state, the error
    callbacks and get().

    except ValueError as error: raise Unreadable(number, str(error))
    """
    with run() as seen:
        looks = watched(exercise, [values.choice(WORDS), f"!{values.choice(REASONS)}"])
    expect(
        (looks[-1][0], seen.states("scan_letter")),
        ("FAILURE", ["failed"]),
        what="the state at the end, and what the worker told, with page 2 of 2 unreadable",
        idea=(
            "Who gets a value believes that all is well; so do the state, error callbacks and chains. A task fails by "
            "raising."
        ),
    )


@pytest.mark.judges(1, 2)
def check_each_page_is_told_when_it_is_done(exercise, expect, values):
    """If page 3 takes a minute and then can't be read, how many pages are done at that time?

    The loop of print_pages in lesson 08: what comes before update_state, and what after it?

    In the loop, after texts.append(scan_page(page)): update_state with current=len(texts)
    """
    words = [*values.sample(WORDS, k=len(WORDS)), *values.sample(WORDS, k=4)]  # with some that come twice
    pages = [*words, f"!{values.choice(REASONS)}", values.choice(WORDS)]
    expect_steps(expect, rehearsed(exercise, pages)[1], pages)
    saw, log = rehearsed(exercise, words)  # in the same process: nothing of the letter before may be left
    expect_steps(expect, log, words)
    expect(
        saw,
        [word.upper() for word in words],
        what="what scan_letter returned for the second of two letters, both handled by the same process",
        idea=(
            "A worker's process handles one letter after another. What you keep in the module is still there when the "
            "next one comes: begin each letter with a list of its own."
        ),
    )
    expect(
        rehearsed(exercise, [])[0],
        [],
        what="what scan_letter returned for a letter without a page",
        idea=(
            "No page, no text: the list is empty, and nothing is wrong. Look for what needs at least one page, such as "
            "a division by their number."
        ),
    )


@pytest.mark.judges(4)
def check_other_exceptions_stay_what_they_are(exercise, expect, values):
    """If the machine is jammed, is the page unreadable?

    Demands 3 and 4 name two kinds of exceptions. What does your `except` catch?

    except ValueError as error: …, and no except Exception, nor an except without a name
    """
    for fault in (OSError, AttributeError, TypeError, KeyError, ZeroDivisionError, RuntimeError):
        saw, _ = rehearsed(exercise, [values.choice(WORDS), JAM], fault)
        expect(
            saw,
            fault(JAM),
            what=f"what the task failed with, when scan_page raised {fault.__name__} instead of a ValueError",
            idea="Only a ValueError is about the page. If you catch more than that, the caller learns a wrong reason.",
        )


@pytest.mark.judges(3)
def check_the_reason_arrives(exercise, run, expect, values):
    """What of an exception travels to the caller, and what is it made of again there?

    See errors.py in lesson 08, where one class survives and the other doesn't: what do they hand to super().__init__()?
    And then: what is str() of an exception made from, unless it has a __str__ of its own?

    super().__init__(page, reason), and def __str__(self): return f"page {self.page}: {self.reason}"
    """
    reason, bad = f"{values.choice(REASONS)}: {values.choice(REASONS)}", values.randint(1, 3)
    with run():
        _, error = watched(exercise, [*values.sample(WORDS, k=bad - 1), f"!{reason}"])[-1]
    expect(
        type(error).__name__,
        "Unreadable",
        what=f"the type of the exception that arrived, with page {bad} unreadable",
        idea=(
            "It is made anew in the caller's process, from the name of its class and from its args. It has to be "
            "raised as Unreadable, and all that __init__ takes has to be in args: they are what super().__init__() is "
            "given."
        ),
    )
    expect(
        (getattr(error, "page", None), getattr(error, "reason", None), str(error)),
        (bad, reason, f"page {bad}: {reason}"),
        what="its page, its reason and its text",
        idea=(
            "The reason is str() of the ValueError, all of it. Page and reason are set by __init__, from args; the "
            "text is what __str__ makes of them."
        ),
    )
    saw, _ = rehearsed(exercise, [*values.sample(WORDS, k=bad), JAM], UnicodeError)
    expect(
        (type(saw).__name__, getattr(saw, "page", None), getattr(saw, "reason", None)),
        ("Unreadable", bad + 1, JAM),
        what="what the task failed with, when scan_page raised a UnicodeError, which is a kind of ValueError",
        idea="except ValueError catches its kinds too. Don't compare the type, nor ask for one kind only.",
    )
