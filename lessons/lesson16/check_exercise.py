"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

import pytest

NAMES = ("ada", "bob", "eve", "ian", "joy", "kim", "leo", "mia", "ned", "sue")
FEW = 9.0  # seconds for an order


def some_orders(values, hundred, number=1):
    """Orders of one customer, all of the same amount; each check has a hundred of its own."""
    name, amount = values.choice(NAMES), values.randint(10, 99)
    return {f"{name}-{hundred}{two}": amount for two in values.sample(range(10, 100), k=number)}


def pay(exercise, run, expect, what, orders, troubles, copies=1):
    """Have orders paid, each with its troubles, and look at their charges and receipts.

    `copies` of the first order's message are sent, and one of each other.
    """
    for order, trouble in troubles:
        exercise.shop.trouble(order, trouble)
    with run():
        twice = list(orders)[:1] * (copies - 1) + list(orders)
        receipts = [(order, exercise.pay.delay(order, orders[order])) for order in twice]
        said = [
            (order, receipt, receipt.get(timeout=FEW, interval=0.05, propagate=False)) for order, receipt in receipts
        ]
    for order, receipt, one in said:
        sentence = f"order {order}: {orders[order]} paid"
        if isinstance(one, Exception) and type(one).__name__ not in ("WorkerLostError", "NoAnswer"):
            receipt.get(timeout=2)
        charged = [amount for page in exercise.shop.noted("charges", order) for amount in page]
        silent = any("no answer" in trouble for name, trouble in troubles if name == order)
        expect(
            charged,
            [orders[order]],
            what=f"what was charged for an order, {what}",
            idea=why_other_charges(charged, one, silent),
        )
        expect(
            f"{type(one).__name__}: {one}" if isinstance(one, Exception) else one,
            sentence,
            what=f"what a receipt of an order says, {what}",
            idea=why_it_ended(one),
        )


def why_other_charges(charged, said, silent):
    """The idea behind charges that aren't one."""
    if len(charged) > 1:
        return (
            "The bank charges once for each key, and it wasn't told the same key each time. Two runs and two messages "
            "of one order have nothing in common but the order itself; whether it is paid can't be looked up, because "
            "another run may be about to pay it."
        )
    if isinstance(said, Exception):
        return why_it_ended(said)
    if silent:
        return (
            "The task returned, but a bank that doesn't answer may not have charged. It has to be asked again, until "
            "it answers: by every run, whatever an earlier one has tried, and after the last try, too."
        )
    return (
        "The task returned, but nothing was charged. Either no run that lived to its end asked the bank to charge this "
        "very order and amount; or the bank knew the key, which has to differ from the keys of all other orders."
    )


def why_it_ended(said):
    """The idea behind a receipt that says something else."""
    return {
        "WorkerLostError": (
            "The order's task wasn't run again to its end. A task whose process was killed counts as failed, and is "
            "acknowledged then, with acks_late as well. Celery has an option for this case: it retries such a task."
        ),
        "NoAnswer": (
            "The bank didn't answer, twice in a row, and your task gave up too early. A task can be run again after an "
            "exception of your choice; with the same key that is safe."
        ),
    }.get(type(said).__name__, "It is to be the sentence that the blank returns, with the values of this very order.")


@pytest.mark.judges(1)
def check_a_killed_process_costs_nothing(exercise, run, expect, values):
    """When the process of a task is killed, which option has the task run again, and counts how often?

    child_killed in workers.py has it. And to ask the bank a second time must be no second charge: see what
    exercise_shop.charge can be told.

    @app.task(retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1) and charge(order, amount, key=order)
    """
    orders = some_orders(values, 1, 2)
    troubles = list(zip(orders, ("killed before", "killed after"), strict=True))
    pay(exercise, run, expect, "where the process was killed before the bank has charged, or after", orders, troubles)


@pytest.mark.judges(3, 5)
def check_a_message_that_comes_twice_is_paid_once(exercise, run, expect, values):
    """What do two messages of one order have in common, and two orders not?

    Their task ids differ. The key that the bank is told must be the same for both, and no other order may have it.

    key=order
    """
    orders = some_orders(values, 2, 2)
    first, second = orders
    what = f"where {first} was sent twice at once, and {second}, of the same customer and amount, once"
    pay(exercise, run, expect, what, orders, [(first, "slow before")], copies=2)


@pytest.mark.judges(4)
def check_a_bank_that_does_not_answer_is_asked_again(exercise, run, expect, values):
    """If the bank may have charged or not, who may ask it again, and why is that safe?

    Lesson 04 has two ways to run a task again after an exception of your choice. Wait a moment, not 180 s.

    autoretry_for=(shop.NoAnswer,) with max_retries and default_retry_delay=0.1
    """
    orders = some_orders(values, 3, 2)
    first, second = orders
    troubles = [(first, "no answer before"), (first, "no answer after")]
    troubles += [(second, "no answer before"), (second, "again no answer before")]
    what = f"where the bank didn't answer twice in a row, and had charged by then for {first}, and not for {second}"
    pay(exercise, run, expect, what, orders, troubles)


@pytest.mark.judges(2)
def check_a_killed_worker_costs_nothing(exercise, run, expect, values):
    """When a whole worker is gone, where is the message of its task?

    Its parent is dead as well, so no process is left that could retry. The broker keeps what isn't acknowledged; see
    worker_killed.

    @app.task(acks_late=True, …)
    """
    orders = some_orders(values, 5)
    troubles = [(order, "worker killed after") for order in orders]
    pay(exercise, run, expect, "where its whole worker was killed, after the bank had charged", orders, troubles)
