"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

from time import monotonic, sleep

import pytest

NAMES = ("ada", "bob", "eve", "ian", "joy", "kim", "leo", "mia", "ned", "sue")
MOMENTS = ("before", "between", "after")
LONGEST = 9.0  # seconds for all orders of a day; they take 3 to 5
OFTEN = 7  # one more than the worker has processes, so one of them gets two
day = {}  # what a day at the bank came to: lightning takes its time, so one day serves all checks


def spend_a_day(exercise, run, values):
    """Lightning strikes three orders; one is sent twice, and one like it once; one is refused, and sent again later.

    When these have ended, the one that was sent twice is sent once more, and its payer has nothing left by then; and
    the one that was refused is sent often, and refused each time.
    """
    if day:
        return day
    bank, names = exercise.bank, values.sample(NAMES, k=10)
    before = {name: values.randint(200, 900) for name in names}
    numbers = values.sample(range(100, 1000), k=6)
    kinds = ("twice", *MOMENTS, "refused")
    orders = {
        kind: (str(number), payer, payee, values.randint(10, 99))
        for kind, number, payer, payee in zip(kinds, numbers, names[:5], names[5:], strict=False)
    }
    orders["alike"] = (str(numbers[-1]), *orders["twice"][1:])
    before[orders["refused"][1]] = 5
    bank.open_accounts(before)
    for moment in MOMENTS:
        bank.lightning(orders[moment][0], moment).touch()
    try:
        with run():
            receipts = {"refused": [exercise.transfer.delay(*orders["refused"])]}
            receipts["twice"] = [exercise.transfer.delay(*orders["twice"]) for _ in range(2)]
            receipts |= {kind: [exercise.transfer.delay(*orders[kind])] for kind in (*MOMENTS, "alike")}
            looks = look_until(bank, [one for some in receipts.values() for one in some])
            after = bank.balances()
            emptied = orders["twice"][1]
            bank.pay_in(emptied, -after[emptied])
            receipts["once more"] = [exercise.transfer.delay(*orders["twice"])]
            receipts["refused"] += [exercise.transfer.delay(*orders["refused"]) for _ in range(OFTEN)]
            look_until(bank, receipts["once more"] + receipts["refused"])
            after |= {name: bank.balances()[name] for name in orders["refused"][1:3]}
            said = {kind: [outcome(one) for one in some] for kind, some in receipts.items()}
            bank.pay_in(orders["refused"][1], 200)
            receipts["later"] = [exercise.transfer.delay(*orders["refused"])]
            look_until(bank, receipts["later"])
            said["later"] = [outcome(receipts["later"][0])]
            in_the_end = bank.balances()
    finally:
        bank.close()
    in_the_end[orders["refused"][1]] -= 200
    for kind, order in {**orders, "once more": orders["twice"], "later": orders["refused"]}.items():
        number, payer, payee, amount = order
        seen = [(look[payer] - before[payer], look[payee] - before[payee]) for _, look in looks]
        end = in_the_end if kind == "later" else after
        day[kind] = {
            "receipts": receipts[kind],
            "said": said[kind],
            "sentence": f"order {number}: {amount} from {payer} to {payee}",
            "moved": {payer: end[payer] - before[payer], payee: end[payee] - before[payee]},
            "wanted": {payer: -amount, payee: amount},
            "half": next(({payer: left, payee: got} for left, got in seen if left + got), {}),
            "early": any(look[payee] == before[payee] for ended, look in looks if ended & {*receipts[kind]}),
            "struck": kind not in MOMENTS or not bank.lightning(number, kind).exists(),
        }
    return day


def look_until(bank, receipts):
    """Look again and again, until all have ended or the time is over: who had ended, and the balances just after.

    The balances are those that another connection sees.
    """
    looks, ended, until = [(set(), bank.balances())], set(), monotonic() + LONGEST
    while len(ended) < len(receipts) and monotonic() < until:
        sleep(0.04)
        ended |= {one for one in receipts if one not in ended and one.ready()}
        looks.append((set(ended), bank.balances()))
    return looks


def outcome(receipt):
    """What a receipt says; waits no longer."""
    return receipt.get(timeout=0.5, interval=0.05, propagate=False)


def look_at_receipts(order, what, expect, idea):
    """All receipts of an order say its sentence. What the task raised is shown with its line."""
    for receipt, said in zip(order["receipts"], order["said"], strict=True):
        lost = type(said).__name__ == "WorkerLostError"
        if isinstance(said, Exception) and not lost:
            receipt.get(timeout=2)
        expect(
            f"WorkerLostError: {said}" if lost else said,
            order["sentence"],
            what=f"what a receipt says, {what}",
            idea=(
                "The transfer wasn't run again. A task whose process was killed counts as failed, and its message is "
                "acknowledged then, with acks_late as well. Celery has an option for this case: it retries such a task."
                if lost
                else idea
            ),
        )


def look_at(order, what, expect, idea):
    """Lightning struck, the money is where it belongs, and the receipts say so."""
    again = (
        "The money is where it belongs, but the receipt says something else. A run that finds its work done returns "
        "what the first run would have returned."
    )
    if any(isinstance(said, Exception) for said in order["said"]):
        look_at_receipts(order, f"of an order that was struck {what}", expect, again)
    expect(
        order["struck"],
        True,
        what=f"whether lightning struck an order {what}, as it was to",
        idea=(
            "The task returned, and bank.take and bank.give weren't called with this order's number. If your task took "
            "the order for done, look at its key: that is the number of this very order, and when the key is new, both "
            "steps are made."
        ),
    )
    expect(
        order["moved"],
        order["wanted"],
        what=f"what changed on the two accounts, of an order that was struck {what}",
        idea=idea,
    )
    look_at_receipts(order, f"of an order that was struck {what}", expect, again)


@pytest.mark.judges(1)
def check_a_transfer_survives_its_process(exercise, run, expect, values):
    """When a process dies in the middle of a task, where is the message then, and who sends it again?

    The experiment child of lesson 11 shows four ways. One of them runs a lost task again, and counts how often.

    @app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
    """
    look_at_receipts(
        spend_a_day(exercise, run, values)["before"],
        "of an order that was struck before the first step",
        expect,
        "It is to be the sentence that the blank returns, with the values of this very order.",
    )


@pytest.mark.judges(1, 2)
def check_half_a_transfer_is_never_kept(exercise, run, expect, values):
    """If a database is to make several changes, and the power fails between them, what can it promise?

    Look at where each `with bank.engine.begin()` begins and ends: what is inside is kept together, or not at all.
    Which changes belong together here?

    One block: with bank.engine.begin() as transaction, and in it take, give, and whatever you note for yourself.
    """
    orders = spend_a_day(exercise, run, values)
    for kind in ("after", "between", "before"):
        expect(
            orders[kind]["half"],
            {},
            what="what another connection saw meanwhile: two accounts after half of an order",
            idea=(
                "Between two commits everyone sees half a transfer, and after lightning it stays like that until the "
                "task is run again. Keys don't change that: both steps belong into one transaction."
            ),
        )
    for moment, what in ("before", "before the first step"), ("between", "between the two steps"):
        look_at(
            orders[moment],
            what,
            expect,
            "What had been committed when lightning struck stayed, and the next run added to it. A transaction keeps "
            "all of it or none: both steps, and the note that they are done."
            if any(orders[moment]["moved"].values())
            else "No run has moved the money. Either the first run had kept a note that the order was done, before it "
            "was: the note belongs into the transaction of both steps. Or the next run took for granted that the one "
            "before had done the work.",
        )


@pytest.mark.judges(1)
def check_what_was_done_is_not_done_again(exercise, run, expect, values):
    """How can a run know that an earlier one, whose process was killed at its end, has done all the work already?

    See the experiment twice of lesson 11, and the table bank.orders: it can have a number only once.

    key = insert(bank.orders).values(number=order).on_conflict_do_nothing(), with insert from
    sqlalchemy.dialects.postgresql; and if transaction.execute(key).rowcount, take and give, in the same transaction.
    """
    look_at(
        spend_a_day(exercise, run, values)["after"],
        "right after the money had moved",
        expect,
        "A task that is run again after its process was lost does everything again, unless something that was kept "
        "together with the work, in one transaction, says that it is done. That something has to be the same in both "
        "runs.",
    )


@pytest.mark.judges(3)
def check_an_order_sent_twice_is_made_once(exercise, run, expect, values):
    """What do two messages of one order have in common? And who decides between two that come at the same moment?

    Looking first whether it is done helps only the later one; both may look before either has finished. The primary
    key of bank.orders lets only one of them through; INSERT … ON CONFLICT DO NOTHING tells you whether it was this one.

    from sqlalchemy.dialects.postgresql import insert, then insert(bank.orders).values(number=order)
    .on_conflict_do_nothing(). If its rowcount is 0, the other one has done it: go on to the same return.
    """
    orders = spend_a_day(exercise, run, values)
    twice, alike = orders["twice"], orders["alike"]
    look_at_receipts(
        twice,
        "of an order that was sent twice at once",
        expect,
        "Both messages are of one order: the run that finds its work done returns what the other one returns.",
    )
    expect(
        twice["early"],
        False,
        what="whether a receipt of an order that was sent twice at once said its sentence before the money had moved",
        idea=(
            "One run ended because another run was processing its order, whose outcome isn't known yet: the bank may "
            "refuse it, or lightning may strike. A key that is written in the transaction of both steps keeps the "
            "second run waiting until the first one's is kept, or rolled back."
        ),
    )
    [more], [receipt] = orders["once more"]["said"], orders["once more"]["receipts"]
    refused = isinstance(more, Exception) and "IntegrityError" in f"{type(more)} {more}"
    if isinstance(more, Exception) and not refused:
        receipt.get(timeout=2)
    expect(
        "IntegrityError" if refused else more,
        twice["sentence"],
        what="what a receipt says, of an order that was sent once more, when it was done and the payer had nothing",
        idea=(
            "The money had moved long before, so there was nothing left to pay, and nothing to refuse. Ask the key "
            "before the first step; or, after an IntegrityError, look whether the order is done."
            if refused
            else "The run that finds its work done returns what the first one returned."
        ),
    )
    look_at_receipts(
        alike,
        "of another order, with the same accounts and the same amount",
        expect,
        "An order is known by its number alone, and this one has a number of its own.",
    )
    (_, left), (_, got) = twice["moved"].items()
    amount = list(twice["wanted"].values())[1]
    expect(
        {"paid": -left, "got": got},
        {"paid": 2 * amount, "got": 2 * amount},
        what=(
            f"what two accounts paid and got, by an order of {amount} that was sent twice at once, and another one of "
            f"{amount} that was sent once"
        ),
        idea=(
            "The order that was sent twice was made twice. Its messages have two task ids, and both may look before "
            "either has finished. What is the same is the number of the order; and only the database can let one of "
            "two through, by refusing the same key a second time."
            if got > 2 * amount
            else "Not all was made that the receipts say. An order is known by its number: neither by the accounts and "
            "the amount, which two orders may share, nor by the time."
        ),
    )


@pytest.mark.judges(4)
def check_an_order_that_is_refused_can_be_sent_again(exercise, run, expect, values):
    """If the bank refuses a step, what should the receipt say, and what should be left of the order in the database?

    IntegrityError says that a constraint was violated, and not which one: the key's, or the account's. Look at what you
    catch, and at what your transaction has kept by then.

    Catch nothing: insert(bank.orders).values(number=order).on_conflict_do_nothing() raises nothing for a known number,
    and an exception from bank.take then leaves the block, which rolls back the key too.
    """
    orders = spend_a_day(exercise, run, values)
    refused, later = orders["refused"], orders["later"]
    first, *others = refused["said"]
    expect(
        first == refused["sentence"],
        False,
        what="whether the receipt says that the money moved, of an order for which the payer hadn't enough",
        idea=(
            "The bank refused it with an IntegrityError, and the receipt says it was made. A known key raises an "
            "IntegrityError, too, and an `except` around both takes the one for the other."
        ),
    )
    for said in refused["said"]:
        if said == refused["sentence"]:
            break
        expect(
            isinstance(said, Exception),
            True,
            what=f"whether the task failed that the bank refused; its receipt says {said!r}",
            idea="Let the bank's exception leave the task: then its state is FAILURE, and it has the exception.",
        )
    expect(
        others.count(refused["sentence"]),
        0,
        what=f"how many receipts say that the money moved, of {OFTEN} more messages of an order that was refused",
        idea=(
            "An earlier run had begun this order, and was refused. A later one took it for done: it found a note that "
            "outlives the refused run, in the process's own memory or in the database. Only a key that is rolled back "
            "with the steps says that an order is done."
        ),
    )
    expect(
        refused["moved"],
        dict.fromkeys(refused["moved"], 0),
        what="what changed on the two accounts, of an order that the bank refused",
        idea="Something of it was kept. An exception rolls back its own transaction, and nothing that was kept before.",
    )
    look_at_receipts(
        later,
        "of the same order, when the payer had more money and it was sent again",
        expect,
        "It is to be the sentence that the blank returns, with the values of this very order.",
    )
    expect(
        later["moved"],
        later["wanted"],
        what="what changed on the two accounts, of an order that was refused, and later sent again",
        idea=(
            "The refused run has left its key, so the order counts as done, though no money has moved. Key and steps "
            "belong into one transaction: it is rolled back as a whole."
        ),
    )
