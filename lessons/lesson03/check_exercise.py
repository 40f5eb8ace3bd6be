"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

WORDS = ("dear", "aunt", "rain", "soon", "home", "cake", "ship", "cold")


def letter(values, words):
    """A letter of so many words."""
    return " ".join(values.choices(WORDS, k=words))


def check_letters_are_read_side_by_side(exercise, run, expect, values):
    """How are several calls sent together, so that none of them waits for another?

    See the first table of lesson 03: what is written down with .s() is sent later, and a list of such calls at once.

    chord([count_words.s(letter) for letter in letters])(…) sends them all; the callback goes into the second brackets.
    """
    letters = [letter(values, words) for words in values.sample(range(6, 12), k=3)]
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
        3,
        what="how often the workers ran count_words for a box of 3 letters",
        idea="Each letter is a task of its own: as many calls of count_words as there are letters.",
    )
    expect(
        seen.sent_before_waiting("count_words"),
        3,
        what="how many of the 3 letters you sent before you first waited for a result",
        idea=(
            "The letters wait for each other. That is so where each get() comes before the next sending, and in a "
            "chain; what is in one group, or in the header of a chord, is sent at once."
        ),
    )


def check_a_callback_adds_up(exercise, run, expect, values):
    """Who knows when the last letter is read, and who is there to go on then, when the caller has gone home?

    See the chord in lesson 03: its second part is a task that the workers send, with the list of all the results. And
    the receipt that you get back is the receipt of that task.

    return chord([count_words.s(letter) for letter in letters])(add_up.s()), and in add_up: " + ".join(map(str, counts))
    """
    low, middle, high = sorted(values.sample(range(6, 12), k=3))
    counts = [middle, *values.sample([low, high], k=2)]
    with run() as seen:
        receipt = exercise.count_box(values.randint(100, 999), [letter(values, words) for words in counts])
        expect(
            type(receipt).__name__,
            "AsyncResult",
            what="what kind of thing count_box returned",
            idea=(
                "count_box sends, and hands back the receipt of add_up at once. There can't be a sum yet, unless "
                "somebody has waited for the counts; and add_up is a task for the workers: it isn't called in your own"
                " process."
            ),
        )
        said = receipt.get(timeout=5, interval=0.02)
    expect(
        seen.runs("add_up"), 1, what="how often the workers ran add_up", idea="One call of add_up, with the whole list."
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
        said,
        f"{' + '.join(map(str, counts))} = {sum(counts)}",
        what="the result of the receipt that count_box returned",
        idea=(
            "The list that a callback gets has the order in which the header was written, whoever ended first. So the "
            "header must have the order of the letters, and add_up must leave it as it is."
        ),
    )


def check_the_archivist_is_told(exercise, run, expect, values):
    """What does a callback do if something in its header fails, and who would hear of that, with nobody waiting?

    See the last row of the first table in lesson 03, and in its call_tasks.py how dinner is apologised for. What is
    the difference between the two ways of writing a call down, one of which takes nothing from the task before?

    add_up.s().on_error(tell_archivist.si(box)) is the callback of the chord.
    """
    box = values.randint(100, 999)
    letters = [letter(values, words) for words in values.sample(range(6, 12), k=1)] + ["??? ???", "dear ???"]
    values.shuffle(letters)
    with run() as seen:
        receipt = exercise.count_box(box, letters)
        outcome = receipt.get(timeout=5, interval=0.02, propagate=False)
    expect(
        seen.states("count_words").count("failed"),
        2,
        what="how many letters failed, of a box with 2 that can't be read",
        idea=(
            "What can't be read isn't 0 words. A task says that it failed by raising, and count_words did when you got"
            " it."
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
            else "A failing header is silent unless you call get(), or give the callback an error callback."
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
    expect(seen.runs("add_up"), 0, what="how often add_up ran", idea="Where a count is missing there is no sum.")
