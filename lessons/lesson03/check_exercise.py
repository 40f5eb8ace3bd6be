"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

import re

import pytest

WORDS = ("dear", "aunt", "rain", "soon", "home", "cake", "ship", "cold")


def letter(values, words):
    """A letter of so many words."""
    return " ".join(values.choices(WORDS, k=words))


def sent_before_an_end(seen):
    """How many letters had been sent when the first of them had been read."""
    ids = seen.ids("count_words")
    ours = [event for event in seen.events if event["uuid"] in ids]
    end = min((e["timestamp"] for e in ours if e["type"] in ("task-succeeded", "task-failed")), default=0.0)
    return len({e["uuid"] for e in ours if e["type"] == "task-sent" and e["timestamp"] < end})


def waiting_tasks(seen):
    """The tasks that began to run before the last letter did, and were still running when it had been read."""
    letters = seen.ids("count_words")
    names = {event["uuid"]: event["name"] for event in seen.events if event["type"] == "task-sent"}
    begun = {e["uuid"]: e["timestamp"] for e in seen.events if e["type"] == "task-started"}
    ended = {e["uuid"]: e["timestamp"] for e in seen.events if e["type"] in ("task-succeeded", "task-failed")}
    last = max(letters, key=lambda uuid: ended.get(uuid, 0.0))
    return [
        names[uuid]
        for uuid, end in ended.items()
        if uuid not in letters and begun.get(uuid, end) < begun[last] and end > ended[last]
    ]


def sum_of(counts):
    """What add_up() is to return."""
    return f"{' + '.join(map(str, counts))} = {sum(counts)}"


def why_another_sum(saw, wanted, others=()):
    """The idea behind the result of a receipt that isn't the sum of its box."""
    if not isinstance(saw, str):
        return "The sum is wanted as a text that shows its working, as in the example."
    if saw in others or len(re.findall(r"\d+", saw)) > len(re.findall(r"\d+", wanted)):
        return (
            "Words of another box are in it. A worker's process adds up one box after another, and what the module "
            "keeps is still there at the next one. add_up works with the list that it is given, and no other."
        )
    if re.findall(r"\d+", saw) == re.findall(r"\d+", wanted):
        return "The numbers are the right ones. Compare the text with the example: the signs, and the spaces."
    if sorted(re.findall(r"\d+", saw)) == sorted(re.findall(r"\d+", wanted)):
        return (
            "The list that a callback gets has the order in which the header was written, whichever task ended first. "
            "So the header must have the order of the letters, and add_up must leave it as it is."
        )
    return "Each letter counts, also where two have as many words. add_up shows the count of each, and their sum."


@pytest.mark.judges(1, 3)
def check_letters_are_read_side_by_side(exercise, run, expect, values):
    """How are several calls sent together, so that none of them waits for another?

    See the first table of lesson 03: what is written down with .s() is sent later, and a list of such calls at once.

    chord([count_words.s(letter) for letter in letters])(…) sends them all; the callback goes into the second brackets.
    """
    letters = [letter(values, words) for words in values.sample(range(6, 12), k=3)]
    letters.append(letters[0])  # two letters may say the same
    with run() as seen:
        exercise.count_box(values.randint(100, 999), letters)
    expect(
        seen.here.count("exercise.count_words"),
        0,
        what="how often count_words ran in the caller's own process",
        idea=(
            "count_words(letter) calls the function here and now, and no worker hears of it. count_words.s(letter) "
            "writes the call down, for a worker."
        ),
    )
    expect(
        seen.runs("count_words"),
        4,
        what="how often the workers ran count_words for a box of 4 letters, two of which say the same",
        idea="Each letter is a task of its own: as many calls of count_words as there are letters.",
    )
    expect(
        waiting_tasks(seen),
        [],
        what="tasks that were running from before the last letter was begun until it had been read",
        idea=(
            "Such a task waits for others, and keeps a worker's process meanwhile. As soon as there are as many of "
            "them as processes, all wait, and no process is left for the letters. A callback is sent when the last "
            "letter is read, and not before."
        ),
    )
    expect(
        max(sent_before_an_end(seen), seen.sent_before_waiting("count_words")),
        4,
        what="how many of the 4 letters had been sent when the first one had been read",
        idea=(
            "The letters wait for each other. That is so where each get() comes before the next sending, and in a "
            "chain; what is in one group, or in the header of a chord, is sent at once."
        ),
    )


@pytest.mark.judges(2, 3, 4)
def check_a_callback_adds_up(exercise, run, expect, values):
    """Who knows when the last letter is read, and who is there to go on then, when the caller has gone home?

    See the chord in lesson 03: its second part is a task that the workers send, with the list of all the results. And
    the receipt that you get back is the receipt of that task.

    return chord([count_words.s(letter) for letter in letters])(add_up.s()), and in add_up: " + ".join(map(str, counts))
    """
    low, middle, high = sorted(values.sample(range(3, 8), k=3))
    counts = [middle, *values.sample([low, high], k=2), middle]
    # More boxes than the worker has processes; the last one has the number of the first.
    boxes = [counts, [2, 1], [1, 3, 1], [values.randint(1, 2)]]
    numbers = values.sample(range(100, 1000), k=3)
    receipts = []
    with run() as seen:
        for number, box in zip([*numbers, numbers[0]], boxes, strict=True):
            receipts.append(exercise.count_box(number, [letter(values, words) for words in box]))
            expect(
                receipts[-1] and type(receipts[-1]).__name__,
                "AsyncResult",
                what="what kind of thing count_box returned",
                idea=(
                    "count_box sends, and hands back the receipt of add_up at once. There can't be a sum yet, unless "
                    "your process has waited for the counts; add_up is a task for the workers, and isn't called in "
                    "your own process."
                ),
            )
        waited = seen.waits()
        said = [receipt.get(timeout=8, interval=0.02) for receipt in receipts]
    expect(
        seen.sent("add_up"),
        len(boxes),
        what=f"how many calls of add_up were sent, for {len(boxes)} boxes, two of which have the same number",
        idea="One call of add_up for each box, with the whole list.",
    )
    expect(
        seen.sent_here("add_up"),
        0,
        what="how many messages for add_up came from the caller's own process",
        idea=(
            "Your own process sent add_up, so it waited for all the counts first, while it was to go home. The "
            "callback of a chord is sent by a worker, when the last of the header has ended."
        ),
    )
    expect(
        waited,
        0,
        what="how often count_box waited for a result",
        idea="count_box sends and comes back. The caller may wait for the sum later, with the receipt.",
    )
    expect(
        [receipt.id in seen.ids("add_up") for receipt in receipts],
        [True] * len(boxes),
        what="whether each receipt that count_box returned is that of a call of add_up",
        idea="The receipt of a chord is that of its callback. Hand that on, and not the receipt of anything else.",
    )
    expect(
        said[0],
        sum_of(counts),
        what="the result of the receipt that count_box returned",
        idea=why_another_sum(said[0], sum_of(counts)),
    )
    expect(
        said,
        [sum_of(box) for box in boxes],
        what=f"the results of the receipts of {len(boxes)} boxes that were sent one after another",
        idea=next(
            (
                why_another_sum(saw, sum_of(box), [sum_of(other) for other in boxes if other is not box])
                for saw, box in zip(said, boxes, strict=True)
                if saw != sum_of(box)
            ),
            "",
        ),
    )
    expect(
        seen.sent("tell_archivist"),
        0,
        what="how many messages for tell_archivist were sent, for boxes of which every letter can be read",
        idea="on_error() fastens a call for failures. What is fastened with link() is for success.",
    )


@pytest.mark.judges(4)
def check_the_archivist_is_told(exercise, run, expect, values):
    """What does a callback do if something in its header fails, and who would hear of that, with nobody waiting?

    See the last row of the first table in lesson 03, and in its call_tasks.py how dinner is apologised for. What is
    the difference between the two ways of writing a call down, one of which takes nothing from the task before?

    add_up.s().on_error(tell_archivist.si(box)) is the callback of the chord.
    """
    box = values.randint(100, 999)
    first, last = (letter(values, words) for words in values.sample(range(6, 12), k=2))
    letters = [first, *values.sample(["??? ???", "dear ???"], k=2), last]
    with run() as seen:
        receipt = exercise.count_box(box, letters)
        outcome = receipt.get(timeout=5, interval=0.02, propagate=False)
    expect(
        seen.states("count_words").count("failed"),
        2,
        what="how many letters failed, of a box with 2 that can't be read",
        idea=(
            "What can't be read isn't 0 words. A task says that it failed by raising, and count_words did when you got "
            "it."
            if seen.sent("count_words") == 4
            else "Send every letter: count_words finds out whether it can be read, and not count_box."
        ),
    )
    expect(
        str(outcome) if isinstance(outcome, TypeError) else "nothing",
        "nothing",
        what="what came between the failure and its callback",
        idea=(
            "An error callback written with .s(box) is called with one argument more, in front: an id, under which it "
            "could look up what failed. Written with .si(box) it is called with the box alone."
        ),
    )
    told = seen.sent("tell_archivist")
    expect(
        told,
        1,
        what="how many messages for tell_archivist were sent, for one box",
        idea=(
            "Fastened to each call of the header, an error callback comes once for each that fails; fastened to the "
            "chord's callback, it comes once, whatever failed."
            if told
            else "A failing header is silent unless you call get(), or give the callback an error callback. One "
            "that is fastened to a single letter is sent if that letter can't be read, and for no other."
        ),
    )
    expect(
        seen.sent_here("tell_archivist"),
        0,
        what="how many of them came from the caller's own process",
        idea=(
            "Your own process sent it, so it waited for the failure. Nobody is there to wait: the workers must send it."
        ),
    )
    expect(
        seen.returned("tell_archivist"),
        [f"look at box {box}"],
        what="what tell_archivist returned",
        idea=(
            "It was to be called with the box. Written with .s() an error callback is given an id; .si() keeps that "
            "out."
        ),
    )
    expect(
        seen.sent("add_up"),
        0,
        what="how many calls of add_up were sent, for a box with letters that can't be read",
        idea="Where a count is missing there is no sum.",
    )
