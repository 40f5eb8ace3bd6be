"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

NAMES = ("ada", "bob", "eve", "ian", "joy", "kim", "leo", "mia", "ned", "sue")
MOMENTS = ("before", "between", "after")
day = {}  # what a day at the bank came to: lightning takes its time, so one day serves all checks


def spend_a_day(exercise, run, values):
    """Four orders, each between two accounts of its own: lightning strikes three of them, and one is sent twice."""
    if day:
        return day
    bank, names = exercise.bank, values.sample(NAMES, k=8)
    before = {name: values.randint(200, 900) for name in names}
    numbers = values.sample(range(100, 1000), k=4)
    orders = {}
    for moment, number, payer, payee in zip((*MOMENTS, "twice"), numbers, names[:4], names[4:], strict=True):
        orders[moment] = (str(number), payer, payee, values.randint(10, 99))
    bank.open_accounts(before)
    for moment in MOMENTS:
        bank.lightning(orders[moment][0], moment).touch()
    try:
        with run():
            receipts = {"twice": [exercise.transfer.delay(*orders["twice"]) for _ in range(2)]}
            receipts |= {moment: [exercise.transfer.delay(*orders[moment])] for moment in MOMENTS}
            said = {
                moment: [receipt.get(timeout=10, interval=0.05, propagate=False) for receipt in receipts[moment]]
                for moment in orders
            }
        after = bank.balances()
    finally:
        bank.close()
    for moment, (number, payer, payee, amount) in orders.items():
        day[moment] = {
            "said": [one if isinstance(one, str) else f"{type(one).__name__}: {one}" for one in said[moment]],
            "sentence": f"order {number}: {amount} from {payer} to {payee}",
            "moved": {payer: after[payer] - before[payer], payee: after[payee] - before[payee]},
            "wanted": {payer: -amount, payee: amount},
            "struck": not bank.lightning(number, moment).exists(),
        }
    return day


def look_at(order, what, expect, idea):
    """Lightning struck, the money is where it belongs, and the receipts say so."""
    expect(
        order["struck"],
        True,
        what=f"whether lightning struck {what}, as it was to",
        idea="Each order goes through bank.take and bank.give, with its own number: that is where lightning strikes.",
    )
    expect(
        order["moved"],
        order["wanted"],
        what=f"what changed on the two accounts, of an order where it struck {what}",
        idea=idea,
    )
    expect(
        order["said"],
        [order["sentence"]],
        what=f"what its receipt says, of an order where lightning struck {what}",
        idea=(
            "The money is where it belongs, but whoever asks is told something else. A run that finds its work done "
            "already returns what the first one would have returned."
        ),
    )


def check_a_transfer_survives_its_process(exercise, run, expect, values):
    """When a process dies in the middle of a task, who has still got the message, and who sends it again?

    The experiment child of lesson 11 shows four ways. One of them runs a lost task again, and counts how often.

    @app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
    """
    order = spend_a_day(exercise, run, values)["before"]
    expect(
        order["said"],
        [order["sentence"]],
        what="what its receipt says, of an order where lightning struck at first",
        idea=(
            "Nobody ran the transfer again. A task whose process was killed counts as failed, and what has failed is "
            "acknowledged, with acks_late as well; Celery has an option for just this case, which has it run again."
        ),
    )


def check_half_a_transfer_is_never_kept(exercise, run, expect, values):
    """What has a database in store for several changes of which only some were made when the power failed?

    Look at where each `with bank.engine.begin()` begins and ends: what is inside is kept together, or not at all.
    Which changes belong together here?

    One block: with bank.engine.begin() as transaction, and in it take, give, and whatever you note for yourself.
    """
    for moment, what in ("before", "before the first step"), ("between", "between the two steps"):
        look_at(
            spend_a_day(exercise, run, values)[moment],
            what,
            expect,
            "What had been committed when lightning struck stayed: half of the work, or a note that it is done. The "
            "next run then made the rest a second time, or nothing at all. A transaction keeps all of it or none: both "
            "steps, and the note.",
        )


def check_what_was_done_is_not_done_again(exercise, run, expect, values):
    """How can a run know that an earlier one, which nobody heard of again, has done all the work already?

    See the experiment twice of lesson 11, and the table bank.orders: a number can stand in it only once.

    key = insert(bank.orders).values(number=order).on_conflict_do_nothing(), with insert from
    sqlalchemy.dialects.postgresql; and if transaction.execute(key).rowcount, take and give, in the same transaction.
    """
    look_at(
        spend_a_day(exercise, run, values)["after"],
        "right after the money had moved",
        expect,
        "A task that is run again after its process was lost does everything again, unless something that was kept "
        "together with the work, in one transaction, says that it is done.",
    )


def check_an_order_sent_twice_is_made_once(exercise, run, expect, values):
    """What do two messages of one order have in common? And who decides between two that come at the same moment?

    Looking first whether it is done helps only the later one; both may look before either has finished. The primary
    key of bank.orders lets only one of them through; INSERT … ON CONFLICT DO NOTHING tells you whether it was this one.

    from sqlalchemy.dialects.postgresql import insert, then insert(bank.orders).values(number=order)
    .on_conflict_do_nothing(). If its rowcount is 0, the other one has done it: go on to the same return. Don't catch
    IntegrityError instead: a constraint on an account raises that, too, and then nothing has been done.
    """
    order = spend_a_day(exercise, run, values)["twice"]
    expect(
        order["moved"],
        order["wanted"],
        what="what changed on the two accounts, of an order that was sent twice at once",
        idea=(
            "Two messages have two task ids, and both may look before either has finished. What is the same is the "
            "number of the order; and only the database can let one of two through, by refusing the same key a second "
            "time."
        ),
    )
    expect(
        order["said"],
        [order["sentence"]] * 2,
        what="what both receipts say, of an order that was sent twice at once",
        idea="The money moved once, as it was to, but one of the two receipts says something else.",
    )
