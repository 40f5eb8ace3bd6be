"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

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
            exercise.shop.noted("charges", order),
            [[amount]],
            what=f"what was charged for an order, {what}",
            idea=(
                "Nothing, and whoever had the message has lost it; or twice, and nothing told the bank that it was the"
                " same order. All that is the same of two runs and of two messages is the order itself."
            ),
        )
        expect(
            [one if isinstance(one, str) else f"{type(one).__name__}: {one}" for one in said[order]],
            [f"order {order}: {amount} paid"] * copies,
            what=f"what its receipts say, {what}",
            idea=(
                "The card was charged as it should be, but the receipt says something else: the task has failed, and "
                "nobody ran it again to its end."
            ),
        )


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
        exercise,
        run,
        expect,
        "where the process was killed before the bank was asked, or after",
        orders,
        "killed before",
        "killed after",
    )


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


def check_a_killed_worker_costs_nothing(exercise, run, expect, values):
    """When a whole worker is gone, who may still have the message of its task?

    Its parent is dead as well, so nobody is left to retry. The broker has what isn't acknowledged; see worker_killed.

    @app.task(acks_late=True, …)
    """
    pay(exercise, run, expect, "where its whole worker was killed", some_orders(values, 5), "worker killed before")
