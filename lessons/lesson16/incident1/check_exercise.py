"""What a mended incident 1 does. The docstring holds three hints, a paragraph each."""

from time import monotonic, sleep


def check_a_reminder_is_posted_once(exercise, run, expect, values):
    """Two workers have the same message at the same time: who of them could know of the other?

    Neither. Somebody both ask must decide, before anything is posted: exercise_shop.first says True to one alone.

    if shop.first(f"reminder {order}"): shop.post(order, seconds=2)
    """
    noted = exercise.shop.noted
    order = f"ada-{values.randint(1000, 9999)}"
    with run():
        receipt = exercise.remind.delay(order)  # Redis hands this one out again,
        exercise.remind.apply_async((order,), task_id=receipt.id)  # and somebody has sent it again
        receipt.get(timeout=8, interval=0.05)
        for other in "bob", "eve":
            exercise.remind.delay(f"{other}-{values.randint(1000, 9999)}")
        until = monotonic() + 8
        while len(noted("letters", "[be]*")) < 2 and monotonic() < until:  # those of before have ended by then
            sleep(0.05)
    expect(
        noted("letters", order),
        [[1]],
        what="the letters to a customer, where workers got the message twice",
        idea=(
            "What one process remembers the others don't know; a look before the post is too early: both look, then "
            "both post; and no setting keeps a message from coming twice. A step that only one can make has to come "
            "first."
        ),
    )
    expect(
        noted("letters", "[be]*"),
        [[1], [1]],
        what="the letters to two other customers",
        idea="Each order has a reminder of its own.",
    )
