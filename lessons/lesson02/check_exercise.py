"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

import pytest

TASKS = ("subtract", "multiply", "divide")


@pytest.mark.judges(1)
def check_nothing_is_sent_yet(exercise, run, expect, values):
    """What is the difference between a call, a call that is written down, and a call that is sent?

    Look at the table at the top of lesson 02: which of its rows only write something down, and which one sends it?

    return chain(subtract.s(fahrenheit, 32), …), without .apply_async(), .delay() or .get() anywhere in to_celsius().
    """
    fahrenheit = values.randint(40, 110)
    with run() as seen:
        written = exercise.to_celsius(fahrenheit)
    expect(
        {task: seen.sent(task) for task in TASKS},
        dict.fromkeys(TASKS, 0),
        what=f"how many messages to_celsius({fahrenheit}) sent",
        idea=(
            "A chain is a note of what is to be done. Whoever holds the note decides when it is sent; apply_async() "
            "and delay() send it at once, and return a receipt."
        ),
    )
    expect(
        seen.here,
        [],
        what=f"tasks that to_celsius({fahrenheit}) ran in the caller's own process",
        idea=(
            "A task with its arguments in brackets, as in subtract(212, 32), is an ordinary call: it runs here and "
            "now. .s() writes the call down for a worker."
        ),
    )
    expect(
        kind(written),
        "something that can be sent by apply_async()",
        what=f"what to_celsius({fahrenheit}) returned",
        idea="What is wanted back is the chain itself, written down: neither its value nor its receipt.",
    )


@pytest.mark.judges(2)
def check_three_links_give_celsius(exercise, run, expect, values):
    """What does a later link of a chain get as its first argument, and who gives it?

    Look at the second and third row of the table at the top of lesson 02, and compare .s() with .si(). The first link
    has nothing before it.

    chain(subtract.s(fahrenheit, 32), multiply.s(5), divide.s(9))
    """
    other, fahrenheit = (number + 0.5 for number in values.sample(range(40, 111), 2))
    wanted = (fahrenheit - 32) * 5 / 9
    with run() as seen:
        exercise.to_celsius(other)
        written = exercise.to_celsius(fahrenheit)
        try:
            saw = written.apply_async().get(timeout=5, interval=0.02, propagate=False)
        except TypeError as error:  # arguments that don't fit a first link are noticed on sending
            saw = error
    if idea := failure(saw, written, fahrenheit):
        expect(saw, wanted, what=f"what the chain to_celsius({fahrenheit}) gave", idea=idea)
    expect(
        [name.rpartition(".")[2] for name in seen.names()],
        list(TASKS),
        what=f"the tasks that ran for to_celsius({fahrenheit}), in this order",
        idea=(
            "Each step is a link: a task of its own, run on the worker, in the order of the formula. What Python works"
            " out while the chain is written down is no link, and nobody can look at its result later."
        ),
    )
    expect(
        saw,
        wanted,
        what=f"what the chain to_celsius({fahrenheit}) gave",
        idea=(
            "That is right for another call of to_celsius(): each call writes a chain of its own."
            if isinstance(saw, float) and is_another(saw, fahrenheit)
            else "The links are the right ones. Look at the numbers that are written down for them, and at what each "
            "link takes from the one before: .s() puts that in front, .si() takes nothing."
        ),
    )
    links = getattr(written, "tasks", [])
    numbers = [[*link.args, *link.kwargs.values()] for link in links]
    expect(
        numbers if len(links) == 3 and not any(link.immutable for link in links[1:]) else [[fahrenheit, 32], [5], [9]],
        [[fahrenheit, 32], [5], [9]],
        what=f"the numbers that are written down for the three links of to_celsius({fahrenheit})",
        idea=(
            "The result is right, and the steps to it aren't those that are asked for: subtract 32 from the degrees "
            "that you are given, multiply by 5, divide by 9. Leave the arithmetic to the links."
        ),
    )
    expect(
        [link.task.rpartition(".")[2] for link in getattr(written, "tasks", [])[1:] if link.immutable],
        [],
        what="links after the first that take nothing from the one before, because .si() makes them",
        idea=(
            "The result is right because Python worked it out while the chain was written down. A later link gets its "
            "first argument from the link before it: written with .s(), it needs only the other one."
        ),
    )


@pytest.mark.judges(3)
def check_steps_are_those_of_the_links(exercise, run, expect, values):
    """You hold the receipt of a chain. Which of its links is it the receipt of, and how do you come to the others?

    Look at the last rows of the table at the top of lesson 02: one of them leads from a receipt to another, and says
    where that ends. Remember that a receipt doesn't know a value until its link has run.

    Collect receipt.get(timeout=10), then go on with receipt.parent until it is None; at last, turn the list round.
    """
    y, z, *factors = values.sample(range(2, 10), values.randint(4, 6))
    x = y + values.randint(10, 99)
    # Two equal values, one that is 0, and neither order that sorting would give.
    parts = [("subtract", y), ("multiply", 1), ("subtract", x - y), ("subtract", z), ("multiply", -factors[0])]
    parts += [("multiply", factor) for factor in factors[1:]]
    written, wanted = exercise.subtract.s(x, y), [x - y]
    for task, number in parts[1:]:
        written |= getattr(exercise, task).s(number)
        wanted.append(wanted[-1] * number if task == "multiply" else wanted[-1] - number)
    with run() as seen:
        receipt = written.apply_async(countdown=0.3)  # when steps() is called, none of the links has run
        saw = exercise.steps(receipt)
        receipt.get(timeout=5, interval=0.02)
        single = exercise.subtract.s(y, z).apply_async()
        try:
            saw_single = exercise.steps(single)
        except AttributeError as error:  # it asked for a parent's parent
            saw_single = error
    expect(
        saw,
        wanted,
        what=f"steps(receipt), for the receipt of another chain, one of {len(wanted)} links",
        idea=why_other_steps(saw, wanted),
    )
    expect(
        saw_single,
        [y - z],
        what="steps(receipt), for the receipt of a chain of one link, right after that",
        idea=(
            "A chain of one link has no link before it: the parent of its receipt is None."
            if isinstance(saw_single, AttributeError)
            else why_other_steps(saw_single, [y - z])
        ),
    )
    expect(
        seen.messages(),
        len(wanted) + 1,
        what=f"how many messages were sent, for chains of {len(wanted)} links and of 1, and the steps of them",
        idea="Nothing has to be run a second time: the result backend keeps what every link returned.",
    )


def is_another(celsius, fahrenheit):
    """Whether these are the degrees of another call: halves in this check, whole numbers in the one before."""
    guess = round(celsius * 9 / 5 + 32, 6)
    return 40 <= guess < 111 and guess % 0.5 == 0 and guess not in (int(fahrenheit), fahrenheit, int(fahrenheit) + 1)


def kind(written):
    """What to_celsius() returned, in words."""
    if hasattr(written, "apply_async"):
        return "something that can be sent by apply_async()"
    return f"{type(written).__name__}: {written!r}"


def failure(saw, written, fahrenheit):
    """The idea behind a chain that failed, or isn't one; None for one that didn't."""
    if type(written).__name__ == "group":
        return "A group runs its tasks side by side: none gets what another returned. One after another is a chain."
    if isinstance(saw, TypeError):
        return (
            "A link got too many arguments or too few. What the link before returned comes by itself, as the first "
            "argument: .s() writes down only what follows it, and .si() takes nothing from before. The first link has "
            "nothing before it, and needs all its arguments."
        )
    if saw == fahrenheit - 32 and getattr(written, "options", {}).get("link"):
        return (
            "What is linked to a task with link() or link= is sent when the task has succeeded, but the receipt stays "
            "that of the first task. A chain's receipt is that of its last link."
        )
    return "A link failed, and with it the whole chain." if isinstance(saw, Exception) else None


def why_other_steps(saw, wanted):
    """The idea behind steps that aren't those of the links."""
    if not isinstance(saw, list):
        return "A list is wanted, with one value for each link."
    if saw == wanted[::-1] != wanted:
        return "A chain's receipt is that of its last link. parent leads backwards, so the last value was found first."
    if None in saw:
        return "result tells what is known at this moment; None is nothing yet. get() waits until the link has run."
    if len(saw) > len(wanted):
        return (
            "There are more values than links. A list that the module makes, or a default value, is the same list in "
            "every call: make it inside of the function."
        )
    if sorted(saw) == sorted(wanted):
        return "The values are the right ones, but in another order: from the first link to the last, not by size."
    if set(saw) <= set(wanted):
        return (
            "Every link has a receipt, and each counts, also where its value is 0, or that of another. You were given "
            "the last one's; parent leads to the one before it, or is None. How many there are depends on the chain. "
            "(children would lead the other way.)"
        )
    return "Don't work the values out again: the result backend keeps what each link gave, and its receipt fetches it."
