"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

import sys


def check_names_are_those_of_the_handbook(exercise, run, expect, values):
    """What is it that travels to a worker, if it isn't the code of a task?

    See how the driver of lesson 06 calls: its app has no task, and a method of that app takes a name and arguments.

    app.send_task("shelf.tidy", args=[shelf]), and the same for letter.send and parcel.label.
    """
    with run() as seen:
        exercise.send_letter(values.randint(100, 999), values.choice(["ko", "fr", "pt"]))
        exercise.print_label(values.randint(1000, 9999), values.randint(1, 90) / 10)
        exercise.tidy_shelf(values.randint(1, 50))
    expect(
        sorted(seen.names()),
        ["letter.send", "parcel.label", "shelf.tidy"],
        what="the tasks that the mail room ran",
        idea=(
            "A worker looks a task up by its name, letter by letter. One that it doesn't know is thrown away, and "
            "whoever doesn't ask for the result never hears of it: such a row of the timeline says failed, with no "
            "worker beside it. The names are those of the handbook."
        ),
    )


def check_arguments_arrive(exercise, run, expect, values):
    """In which two ways can a function be given its arguments, and how does a message carry each?

    See call_by_name() in the driver of lesson 06, and the handbook: what it wants by keyword can't come otherwise.

    app.send_task("letter.send", args=[customer], kwargs={"language": language})
    """
    customer, language = values.randint(100, 999), values.choice(["ko", "fr", "pt"])
    order, weight, shelf = values.randint(1000, 9999), values.randint(1, 90) / 10, values.randint(1, 50)
    with run() as seen:
        receipts = [exercise.send_letter(customer, language), exercise.print_label(order, weight)]
        exercise.tidy_shelf(shelf)
        expect(
            [type(receipt).__name__ for receipt in receipts],
            ["AsyncResult"] * 2,
            what="what kind of thing send_letter and print_label returned",
            idea="They return the receipt at once; whoever wants the sentence calls get() on it, when it suits them.",
        )
        letter, label = [receipt.get(timeout=5, interval=0.02, propagate=False) for receipt in receipts]
    expect(
        letter,
        f"letter to customer {customer} in {language}",
        what="the result of letter.send",
        idea=(
            "send_task can't know which arguments a task takes, so it checks nothing. What isn't in the message is "
            "replaced by a default on the worker, without a word, or is an error there. What is wanted by keyword goes"
            " into kwargs."
        ),
    )
    expect(
        label,
        f"label for order {order}, {weight} kg",
        what="the result of parcel.label",
        idea=(
            "send_task can't know which arguments a task takes, so it checks nothing, and only the worker finds out. "
            "What is wanted by keyword goes into kwargs, under the handbook's names."
        ),
    )
    expect(
        seen.returned("shelf.tidy"), [f"shelf {shelf} is tidy"], what="what shelf.tidy did", idea="Tell it which shelf."
    )


def check_nobody_waits_for_what_is_not_kept(exercise, run, expect, values):
    """If a task keeps no result, how can a receipt know that, which was made where there is only the task's name?

    See the driver of lesson 06, the function about what stores nothing: it sends visits.note twice, and the second time
    it says something more.

    return app.send_task("shelf.tidy", args=[shelf], ignore_result=True)
    """
    with run() as seen:
        receipt = exercise.tidy_shelf(values.randint(1, 50))
        expect(
            type(receipt).__name__,
            "AsyncResult",
            what="what kind of thing tidy_shelf returned",
            idea=(
                "There is no result, but there is a receipt all the same: it has the id, under which the worker's log "
                "tells of the task."
            ),
        )
        try:
            said = receipt.get(timeout=1, interval=0.02)
        except Exception as error:
            said = type(error).__name__
    expect(
        said,
        None,
        what="what get(timeout=1) of the receipt of tidy_shelf gave",
        idea=(
            "The worker keeps no result of this task, but the shop has only its name and can't know. So its receipt "
            "waits for a result, for ever without the timeout. The sender has to say that it wants none."
        ),
    )
    expect(seen.runs("shelf.tidy"), 1, what="how often shelf.tidy ran", idea="It is to be sent, once, all the same.")


def check_the_shop_has_no_code_of_the_mail_room(exercise, expect):
    """What does the shop have to deploy again, when the mail room moves or renames a function?

    Look at the imports of your answer, and at each @app.task: a caller by name needs neither.

    No import of lesson06.exercise_mailroom, no @app.task: app.send_task takes the name as a string.
    """
    expect(
        [name for name in sys.modules if name.endswith("exercise_mailroom")],
        [],
        what="what the shop has of the mail room",
        idea=(
            "It works here, because all files lie in one folder. The shop of the story hasn't got that module: what "
            "both teams share are names, a queue, the broker and the result backend."
        ),
    )
    expect(
        sorted(name for name in exercise.app.tasks if not name.startswith("celery.")),
        [],
        what="tasks of the shop's app",
        idea=(
            "A task declared here is a second one of that name: a worker of this app would run it in the mail room's "
            "place, and a copied signature grows old. The name alone is enough."
        ),
    )
