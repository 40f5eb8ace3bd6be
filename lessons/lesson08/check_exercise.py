"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

from itertools import groupby
from time import monotonic, sleep

WORDS = ("dear", "aunt", "rain", "soon", "home", "cake", "ship", "cold")
REASONS = ("too dark", "torn", "upside down", "wet", "written in pencil")


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


def rehearsed(exercise, pages):
    """A letter in this very process, with a machine that takes no time: each scan, and each state that is stored."""
    log, backend, scan_page = [], exercise.app.backend, exercise.scan_page
    store_result = backend.store_result

    def scan_at_once(page):
        log.append("a scan")
        if page.startswith("!"):
            raise ValueError(page.removeprefix("!"))
        return page.upper()

    def note(task_id, result, state, *args, **kwargs):
        log.append((state, result))  # here, Celery itself stores nothing

    exercise.scan_page, backend.store_result = scan_at_once, note
    try:
        written(exercise.scan_letter.apply((pages,)).result)
    finally:
        exercise.scan_page, backend.store_result = scan_page, store_result
    return log


def check_progress_can_be_seen_while_it_works(exercise, run, expect, values):
    """Who can say how many pages are done, when, and how does it get to somebody who only has the receipt?

    See print_pages in lesson 08: after each page it stores a state of its own, with a dict that the receipt gives as
    its info.

    self.update_state(state="PROGRESS", meta={"current": done, "total": len(pages), "message": f"page {done} is done"})
    """
    pages = values.sample(WORDS, k=values.randint(5, 7))
    with run():
        looks = watched(exercise, pages)
    expect(
        looks[-1],
        ("SUCCESS", [page.upper() for page in pages]),
        what="state and result at the end",
        idea=(
            "A task says that it succeeded by returning its result: here the list of what scan_page gave. That takes "
            "the place of the progress."
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
    expect(
        {(meta["total"], type(meta["message"])) for meta in told},
        {(len(pages), str)},
        what="total, and the type of message",
        idea="total is how many pages there are, from the first look to the last; message is a sentence for people.",
    )


def check_only_celery_says_failure(exercise, expect, values):
    """Who stores the state FAILURE, when a task raises an exception, and what does it store beside that word?

    See the trap in lesson 08: what callers see of a FAILURE that was set by hand. Compare with print_pages, which does
    nothing of that kind.

    No update_state(state="FAILURE", …) anywhere: raise Unreadable(number, str(error)) does all of it.
    """
    log = rehearsed(exercise, [values.choice(WORDS), f"!{values.choice(REASONS)}"])
    expect(
        sorted({entry[0] for entry in log if entry != "a scan"} - {"PROGRESS"}),
        [],
        what="states that the task stored by itself, beside PROGRESS",
        idea=(
            "FAILURE, SUCCESS and the like are Celery's words. To FAILURE belongs a description of the exception, "
            "which a meta of your own is not: on Redis nobody can read such a result. Let the task raise."
        ),
    )


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


def check_each_page_is_told_when_it_is_done(exercise, expect, values):
    """If page 3 takes a minute and then can't be read, how many pages are done at that time?

    The loop of print_pages in lesson 08: what comes before update_state, and what after it?

    In the loop, after texts.append(scan_page(page)): update_state with current=len(texts)
    """
    good = values.randint(2, 4)
    log = rehearsed(exercise, [*values.sample(WORDS, k=good), f"!{values.choice(REASONS)}", values.choice(WORDS)])
    told = [entry for entry in log if entry == "a scan" or entry[0] == "PROGRESS"]
    steps = [entry if entry == "a scan" else f"current: {entry[1].get('current')}" for entry in told]
    wanted = [step for page in range(1, good + 1) for step in ("a scan", f"current: {page}")]
    expect(
        [step for step, _ in groupby(steps) if step != "current: 0"],
        [*wanted, "a scan"],
        what=f"scans and progress in their order, with page {good + 1} of {good + 2} unreadable",
        idea=(
            "current is what is done by then: tell it after each page, not before it, and not only now and then. And "
            "stop at the page that can't be read."
        ),
    )


def check_the_reason_arrives(exercise, run, expect, values):
    """What of an exception travels to the caller, and what is it made of again there?

    See errors.py in lesson 08, where one class survives and the other doesn't: what do they hand to super().__init__()?
    And then: what is str() of an exception made from, unless it has a __str__ of its own?

    super().__init__(page, reason), and def __str__(self): return f"page {self.page}: {self.reason}"
    """
    reason, bad = values.choice(REASONS), values.randint(1, 3)
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
        idea="Page and reason are set by __init__, from args; the text is what __str__ makes of them.",
    )
