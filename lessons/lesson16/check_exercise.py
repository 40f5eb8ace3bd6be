"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

from celery.exceptions import TimeoutError

NAMES = ("ada", "bob", "eve", "ian", "joy", "kim", "leo", "mia", "ned", "sue")


def pay(exercise, run, expect, what, orders, *troubles, copies=1):
    """Have orders paid, each with its trouble, and look at their receipts and charges."""
    for order, trouble in zip(orders, troubles, strict=False):
        exercise.shop.trouble(order, trouble)
    with run():
        sent = {order: [exercise.pay.delay(order, orders[order]) for _ in range(copies)] for order in orders}
        said = {
            order: [receipt.get(timeout=9, interval=0.05, propagate=False) for receipt in receipts]
            for order, receipts in sent.items()
        }
    for order, amount in orders.items():
        expect(
            exercise.shop.noted("charges", order), [[amount]], f"what was charged for an order, {what}",
            "Nothing, and whoever had the message has lost it; or twice, and nothing told the bank that it was the "
            "same order. All that is the same of two runs and of two messages is the order itself.",
        )  # fmt: skip
        expect(
            [one if isinstance(one, str) else f"{type(one).__name__}: {one}" for one in said[order]],
            [f"order {order}: {amount} paid"] * copies, f"what its receipts say, {what}",
            "The card was charged as it should be, but the receipt says something else: the task has failed, and "
            "nobody ran it again to its end.",
        )  # fmt: skip


def some_orders(values, hundred, number=1):
    """Names and amounts; each check has a hundred of its own, so that no order is met again."""
    return {
        f"{name}-{hundred}{values.randint(10, 99)}": values.randint(10, 99) for name in values.sample(NAMES, k=number)
    }


def check_a_killed_process_costs_nothing(exercise, run, expect, values):
    """When the process of a task is killed, which option has the task run again, and counts how often?

    child_killed in workers.py has it. And to ask the bank a second time must be no second charge: see what
    exercise_shop.charge can be told.

    @app.task(retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1) and charge(order, amount, key=order)
    """
    orders = some_orders(values, 1, 2)
    pay(
        exercise, run, expect, "where the process was killed before the bank was asked, or after", orders,
        "killed before", "killed after",
    )  # fmt: skip


def check_a_message_that_comes_twice_is_paid_once(exercise, run, expect, values):
    """What do two messages of one order have in common?

    Their task ids differ. The key that the bank is told must be the same for both, and no other order may have it.

    key=order
    """
    pay(exercise, run, expect, "where its message came twice", some_orders(values, 2), copies=2)


def check_a_bank_that_does_not_answer_is_asked_again(exercise, run, expect, values):
    """If nobody knows whether the bank has charged, who may ask it once more, and why is that safe?

    Lesson 04 has two ways to run a task again after an exception of your choice. Wait a moment, not 180 s.

    autoretry_for=(shop.NoAnswer,) with max_retries and default_retry_delay=0.1
    """
    pay(exercise, run, expect, "where the bank didn't answer at first", some_orders(values, 3), "no answer")


def check_a_reminder_is_posted_once(exercise, run, expect, values):
    """Two workers have the same message at the same time: who of them could know of the other?

    Neither. Somebody both ask must decide, before anything is posted: exercise_shop.first says True to one alone.

    if shop.first(f"reminder {order}"): shop.post(order)
    """
    from uuid import uuid4

    (order,) = some_orders(values, 4)
    same = str(uuid4())
    with run():
        for receipt in [exercise.remind.apply_async((order,), task_id=same) for _ in range(2)]:
            receipt.get(timeout=10, interval=0.05)
        for other in [exercise.remind.delay(f"{order}-{number}") for number in range(8)]:
            other.get(timeout=10, interval=0.05)  # those before it have ended
    expect(
        exercise.shop.noted("letters", order), [[1]], "the letters to a customer, where two workers got the message",
        "What one process remembers the others don't know, and a look before the post is too early: both look, then "
        "both post. One step that only one of them can make has to come first.",
    )  # fmt: skip
    expect(
        len(exercise.shop.noted("letters", f"{order}-*")), 8, "how many of 8 other customers got a letter",
        "Each order has a reminder of its own.",
    )  # fmt: skip


def check_a_process_does_not_grow_with_every_picture(exercise, run, expect, values):
    """What is left of a task when it has returned?

    Look for a name outside of the task that goes on holding what the task has made, in each process.

    return len(shop.picture(name)) // 1000, and no pictures = {}
    """
    with run():
        receipts = [exercise.thumbnail.delay(f"picture {number}") for number in range(40)]
        sizes = {receipt.get(timeout=10, interval=0.05) for receipt in receipts}
    # From the second picture on: with the first one comes what a process needs anyway.
    grown = max(max(later) - later[0] for _, *later in exercise.shop.noted("memory") if later) // 1_000_000
    expect(sizes, {15_000}, "the sizes of 40 thumbnails", "A thumbnail is a thousandth of its picture.")
    expect(
        grown < 40, True, f"whether each of 8 processes stays small; 40 pictures, and one has grown by {grown} MB",
        "What a global name holds lives as long as its process. Hold nothing, or not more than you can count; or let "
        "processes be replaced in time.",
    )  # fmt: skip


def check_a_killed_worker_costs_nothing(exercise, run, expect, values):
    """When a whole worker is gone, who may still have the message of its task?

    Its parent is dead as well, so nobody is left to retry. The broker has what isn't acknowledged; see worker_killed.

    @app.task(acks_late=True, …)
    """
    pay(exercise, run, expect, "where its whole worker was killed", some_orders(values, 5), "worker killed before")


def check_the_report_comes(exercise, workers, expect, values):
    """Who tells a chord that its header is done, and from what does it know?

    With results in a database, a task looks whether the result of each part is there. See chord_ignored in canvas.py.

    @app.task without ignore_result
    """
    amounts = [values.randint(10, 99) for _ in range(3)]
    try:
        total = exercise.close_the_day(amounts).get(timeout=6, interval=0.05)
    except TimeoutError:
        total = "nothing, in 6 s"
    expect(
        total, sum(amounts), f"the report of a day with {amounts}",
        "A chord calls its callback when it has the result of each part, and asks for them again and again until then. "
        "Look at what the parts leave behind.",
    )  # fmt: skip
