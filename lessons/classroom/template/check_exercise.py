"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""


def check_a_worker_adds(exercise, run, expect, values):
    """Who runs a task when you write add(x, y), and who when you send it?

    Look at the first table of this lesson's README.

    return add.delay(x, y)
    """
    x, y = values.randint(1, 99), values.randint(1, 99)
    with run() as seen:
        receipt = exercise.send_sum(x, y)
        if not seen.here:
            expect(
                receipt.get(timeout=5, interval=0.02),
                x + y,
                what=f"send_sum({x}, {y})",
                idea="Send the numbers that you were given.",
            )
    expect(
        seen.here,
        [],
        what="which tasks ran in your own process",
        idea="add(x, y) is an ordinary call, and no worker knows of it.",
    )


def check_it_is_sent_once(exercise, run, expect, values):
    """How many messages does your function send?

    Count the calls of delay() or apply_async() in it.

    Keep the receipt that the one call returns, and return it.
    """
    with run() as seen:
        exercise.send_sum(values.randint(1, 99), 1).get(timeout=5, interval=0.02)
    expect(
        seen.sent("add"),
        1,
        what="how many messages of add were sent",
        idea="Each delay() sends a message, even if you only want its receipt.",
    )
