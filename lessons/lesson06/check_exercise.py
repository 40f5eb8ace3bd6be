"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

import sys
from unittest.mock import patch

import pytest
from celery import _state
from celery.result import AsyncResult, EagerResult


def some_calls(values):
    """A call of each function, by its name, with arguments that differ from one another."""
    return {
        "send_letter": (values.randint(100, 999), values.choice(["ko", "fr", "pt"])),
        "print_label": (values.randint(1000, 9999), (values.randint(10, 900) * 10 + values.randint(1, 9)) / 100),
        "tidy_shelf": (values.randint(1, 50),),
    }


def sent(seen):
    """What was sent: id → the task's name."""
    return {event["uuid"]: event["name"] for event in seen.events if event["type"] == "task-sent"}


def expect_receipt(expect, receipt, function):
    """It is what send_task() returned."""
    expect(
        (isinstance(receipt, AsyncResult) and not isinstance(receipt, EagerResult)) or receipt,
        True,
        what=f"whether {function} returned a receipt, an AsyncResult",
        idea=(
            "send_task() returns a receipt at once, also where no result is kept: it has the call's id. Return that; "
            "the caller of your function calls get() on it when it wants the sentence."
        ),
    )


@pytest.mark.judges(1)
def check_names_are_those_of_the_handbook(exercise, run, expect, values):
    """What is it that travels to a worker, if it isn't the code of a task?

    See how the driver of lesson 06 calls: its app has no task, and a method of that app takes a name and arguments.

    app.send_task("shelf.tidy", args=[shelf]), and the same for letter.send and parcel.label.
    """
    with run() as seen:
        for function, args in some_calls(values).items():
            getattr(exercise, function)(*args)
    names = ["letter.send", "parcel.label", "shelf.tidy"]
    expect(
        sorted(set(sent(seen).values())),
        names,
        what="the names of the tasks that the shop sent for",
        idea=(
            "A worker looks a task up by its name, letter by letter, and throws away what it doesn't know; the shop "
            "gets no error. The names are those of the handbook."
        ),
    )
    expect(
        sorted(sent(seen).values()),
        names,
        what="the names of all messages, after one call of each function",
        idea="Each function sends one message. A second send_task() is a second letter, label or tidying.",
    )
    expect(
        sorted(seen.names()),
        names,
        what="the tasks that the mail room ran",
        idea=(
            "The names are right, but the mail room's worker didn't run all of them. It reads only the queue "
            "exercise06, which is this app's default queue already."
        ),
    )


@pytest.mark.judges(2, 3)
def check_arguments_arrive(exercise, run, expect, values):
    """In which two ways can a function be given its arguments, and how does a message carry each?

    See call_by_name() in the driver of lesson 06, and the handbook: what it wants by keyword can't come otherwise.

    app.send_task("letter.send", args=[customer], kwargs={"language": language})
    """
    calls = some_calls(values)
    (customer, language), (order, weight), (shelf,) = calls.values()
    with run() as seen:
        receipts = {function: getattr(exercise, function)(*args) for function, args in calls.items()}
        for function in ("send_letter", "print_label"):
            expect_receipt(expect, receipts[function], function)
            expect(
                bool(receipts[function].ignored),
                False,
                what=f"whether the receipt of {function} ignores the result",
                idea="With ignore_result=True its get() gives None. Only shelf.tidy keeps no result.",
            )
        letter, label = (
            receipts[function].get(timeout=5, interval=0.02, propagate=False)
            for function in ("send_letter", "print_label")
        )
    nothing_checked = (
        "send_task can't know which arguments a task takes, so it checks nothing: only the worker finds out. What is "
        "wanted by keyword goes into kwargs, under the handbook's name, everything else into the list args, and a "
        "number goes as a number."
    )
    expect(
        letter,
        f"letter to customer {customer} in {language}",
        what=f"the result of letter.send, after send_letter({customer}, {language!r})",
        idea=f"{nothing_checked} What isn't in the message at all is replaced by a default on the worker.",
    )
    expect(
        label,
        f"label for order {order}, {weight:g} kg",
        what=f"the result of parcel.label, after print_label({order}, {weight})",
        idea=f"{nothing_checked} Order and weight go as they are, with all their decimals.",
    )
    expect(
        seen.returned("shelf.tidy"),
        [f"shelf {shelf} is tidy"],
        what=f"what shelf.tidy did, after tidy_shelf({shelf})",
        idea=f"Tell it which shelf. {nothing_checked}",
    )


@pytest.mark.judges(3)
def check_each_receipt_comes_at_once(exercise, run, expect, values):
    """What does the shop do while the mail room works, and what does it need to ask later?

    send_task() returns a receipt as soon as the message has left. See call_by_name() in the driver of lesson 06: which
    lines send, and which ones wait?

    return app.send_task(…), and no get(), wait() or look at the state in the shop's three functions
    """
    receipts = []
    with run() as seen:
        for function, args in [*some_calls(values).items()] * 2:
            before, waits = len(seen.steps), seen.waits()
            receipts.append(getattr(exercise, function)(*args))
            expect(
                seen.waits() - waits,
                0,
                what=f"how often {function} itself waited for the task's result",
                idea="It sends and returns. The caller holds the receipt and decides whether to wait, and when.",
            )
            expect_receipt(expect, receipts[-1], function)
            messages = len(seen.steps) - before
            expect(
                messages,
                1,
                what=f"how many messages one call of {function} sent",
                idea=(
                    "Each function sends one message. A second send_task() is a second letter, label or tidying."
                    if messages
                    else "There was such a call before, with the same arguments, and its receipt came back. But a call "
                    "that sends nothing is a letter, label or tidying that is never done: keep no receipts."
                ),
            )
    ids = [event["uuid"] for event in seen.events if event["type"] == "task-sent"]
    expect(
        [receipt.id for receipt in receipts],
        ids,
        what="the ids of the six receipts, and those of the messages that were sent",
        idea=(
            "A receipt belongs to one message. Return the one that this very call of send_task() has given you: none "
            "of an earlier call, and none that you made yourself."
        ),
    )
    expect(
        len(set(ids)),
        len(ids),
        what="how many different ids the six messages had",
        idea=(
            "An id that is made of the arguments comes again with them. Two messages under one id share one result, so "
            "the second receipt may give what the first call came to. Without task_id each call has a new one."
        ),
    )


@pytest.mark.judges(3, 4)
def check_nobody_waits_for_what_is_not_kept(exercise, run, expect, values):
    """If a task keeps no result, how can a receipt know that, which was made where there is only the task's name?

    See the driver of lesson 06, the function about what stores nothing: it sends visits.note twice, and the second time
    it says something more.

    return app.send_task("shelf.tidy", args=[shelf], ignore_result=True)
    """
    with run() as seen:
        receipt = exercise.tidy_shelf(values.randint(1, 50))
        expect_receipt(expect, receipt, "tidy_shelf")
        with patch.object(receipt.backend, "wait_for_pending", wraps=receipt.backend.wait_for_pending) as waits:
            try:
                said = receipt.get(timeout=1, interval=0.02)
            except Exception as error:
                said = type(error).__name__
    expect(
        said,
        None,
        what="what get(timeout=1) of the receipt of tidy_shelf gave",
        idea=(
            "The worker keeps no result of this task, but the shop has only its name and can't know. So its receipt "
            "waits for a result, forever without the timeout. The sender has to say that it wants none."
            if said == "TimeoutError"
            else "The call asked for the result: ignore_result=False there overrides what the task says."
            if str(said).endswith("is tidy")
            else "There is no result to give, not even an error: this task keeps none."
        ),
    )
    expect(
        waits.call_count,
        0,
        what="how often get() of the receipt of tidy_shelf waited for the result backend before it gave None",
        idea=(
            "It came to None only because it gave up. A receipt that knows that no result is wanted gives None at "
            "once: the sender says so when it sends."
        ),
    )
    expect(seen.runs("shelf.tidy"), 1, what="how often shelf.tidy ran", idea="It is to be sent, once, all the same.")


@pytest.mark.judges(5)
def check_the_shop_has_no_code_of_the_mail_room(exercise, run, expect, values):
    """What does the shop have to deploy again, when the mail room moves or renames a function?

    Look at the imports of your answer, and at each @app.task: a caller by name needs neither.

    No import of lesson06.exercise_mailroom, no @app.task: app.send_task takes the name as a string.
    """
    with run():
        for function, args in some_calls(values).items():
            getattr(exercise, function)(*args)
    expect(
        [name for name in sys.modules if name.endswith("exercise_mailroom")],
        [],
        what="what the shop has of the mail room",
        idea=(
            "It works here, because all files lie in one folder. The shop of the story hasn't got that module: what "
            "both teams share are names, a queue, the broker and the result backend."
        ),
    )
    expect(
        sorted({name for app in _state._get_active_apps() for name in app.tasks if not name.startswith("celery.")}),
        [],
        what="tasks that were declared in the shop",
        idea=(
            "A task declared here is a second one of that name: a worker of its app would run it in the mail room's "
            "place, and a copied signature grows old. The name alone is enough."
        ),
    )
