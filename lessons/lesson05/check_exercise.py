"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

import pytest

LOW, HIGH = "exercise05-low", "exercise05-high"


def add(app, name):
    """A task of the answer's app that the answer knows nothing of, nor its workers: only its route counts."""

    @app.task(name=name)
    def unforeseen(): ...

    return unforeseen


@pytest.mark.judges(1)
def check_reports_go_to_low(exercise, run, expect, values):
    """Which of Celery's settings decides a queue by a task's name, and can one line of it speak for many names?

    Look at task_routes in lesson 05's first table. A pattern is matched against the whole name of a task, as the
    worker's banner lists it under [tasks]: module and function.

    task_routes={"exercise.report_*": {"queue": "exercise05-low"}}
    """
    month, day = values.randint(1, 12), values.randint(1, 28)
    name = f"exercise.report_{values.randint(2, 99)}_{values.choice(['taxes', 'returns', 'visits'])}"
    with run() as seen:
        receipts = [exercise.report_sales.delay(month), exercise.report_stock.delay(day)]
        saw = [receipt.get(timeout=5, interval=0.05) for receipt in receipts]
        add(exercise.app, name).delay()
    expect(
        saw,
        [f"sales of month {month}", f"stock of day {day}"],
        what="what the two reports return",
        idea="Only the routing was missing: the tasks themselves stay as they are.",
    )
    for task in (exercise.report_sales, exercise.report_stock):
        expect(
            seen.queues(task.name),
            [LOW],
            what=f"the queue of the task named {task.name}",
            idea=(
                "Without a route that fits, a task goes to the default queue. A route is matched against the whole "
                "name, which is module and function unless name= says otherwise; of several patterns the first counts."
            ),
        )
    expect(
        seen.queues(name),
        [LOW],
        what=f"the queue of {name}, a report that was added later and that no worker can run yet",
        idea=(
            "A list of today's reports doesn't know tomorrow's, and a queue named in a decorator speaks for that task "
            "only (and is deprecated). A pattern in task_routes speaks for all of them, whatever follows report_."
        ),
    )


@pytest.mark.judges(2)
def check_everything_else_goes_to_high(exercise, run, expect, values):
    """Where does a task go that no route catches?

    It goes to the default queue. Until you name one, that is a queue which no worker of the Procfile reads: look at
    app.conf.update in your answer, and at the first line of lesson 05's table.

    task_default_queue="exercise05-high"
    """
    number = values.randint(10, 99)
    name = f"exercise.{values.choice(['refund', 'remind', 'welcome'])}_{values.randint(2, 99)}"
    elsewhere = f"warehouse.{values.choice(['pack', 'order', 'refill'])}_{values.randint(2, 99)}"
    alike = [f"exercise.reporter_{values.randint(2, 99)}", f"exercise.send_report_{values.randint(2, 99)}"]
    with run() as seen:
        assert exercise.send_invoice.delay(number).get(timeout=5, interval=0.05) == f"invoice {number}"
        for other in (name, elsewhere, *alike):
            add(exercise.app, other).delay()
    expect(
        seen.queues(exercise.send_invoice.name),
        [HIGH],
        what="the queue of send_invoice",
        idea="Customers wait for invoices: only what is called report_… was to go to the other queue.",
    )
    for other in (name, elsewhere):
        expect(
            seen.queues(other),
            [HIGH],
            what=f"the queue of {other}, a task that was added later and that no worker can run yet",
            idea=(
                "You can't list everything else: if you name a route for each of today's tasks, tomorrow's have none. "
                "What no route catches goes to the default queue, so that is the setting to change."
            ),
        )
    for other in alike:
        expect(
            seen.queues(other),
            [HIGH],
            what=f"the queue of {other}, which isn't a report",
            idea=(
                "The pattern is too wide. A * stands for anything, also for nothing: what comes before it has to be "
                "all that the names of reports begin with, the module and the underscore included."
            ),
        )


@pytest.mark.judges(3)
def check_an_urgent_report_goes_to_high(exercise, run, expect, values):
    """Who can know that this one report is urgent: the settings, or the line that sends it?

    delay(…) hands all its arguments to the task. Its longer form takes the task's arguments as args=(…), and beside
    them options of this one call; lesson 05's table has the option.

    return report_sales.apply_async(args=(month,), queue="exercise05-high")
    """
    urgent, usual, again = values.sample(range(1, 13), 3)
    with run() as seen:
        receipt = exercise.urgent_report(urgent)
        waited = seen.waits()
        expect(
            receipt and type(receipt).__name__,
            "AsyncResult",
            what="what urgent_report() returns",
            idea="Sending gives a receipt at once. Return it: who has called decides when to wait for the report.",
        )
        saw = receipt.get(timeout=5, interval=0.05)
        exercise.report_sales.delay(usual).get(timeout=5, interval=0.05)
        second = exercise.urgent_report(again)
        saw_again = second.get(timeout=5, interval=0.05)
    expect(
        waited,
        0,
        what=f"how often urgent_report({urgent}) waited for a result before it returned",
        idea="Sending gives a receipt at once. Return it: who has called decides when to wait for the report.",
    )
    expect(
        [saw, saw_again],
        [f"sales of month {urgent}", f"sales of month {again}"],
        what=f"the results of urgent_report({urgent}) and urgent_report({again})",
        idea="Each call of urgent_report() sends report_sales, with the month that it was given.",
    )
    expect(
        seen.sent(exercise.report_sales.name),
        3,
        what="how many calls of report_sales were sent, for two urgent reports and a usual one",
        idea="urgent_report() sends report_sales itself, once: no copy under another name, no usual one beside it.",
    )
    expect(
        seen.queues(exercise.report_sales.name),
        [HIGH, LOW, HIGH],
        what=f"the queues of urgent_report({urgent}), of report_sales.delay({usual}), and of urgent_report({again})",
        idea=(
            "One urgent report is a matter of one call: a queue given there is stronger than any route, and is "
            "forgotten afterwards. Routes and tasks are shared by all calls: change them, and they change for all or "
            "none."
        ),
    )
    sent = seen.ids(exercise.report_sales.name)
    expect(
        [receipt.id, second.id],
        [sent[0], sent[2]],
        what="the ids of the two receipts that urgent_report() returned",
        idea="The receipt is that of the message just sent, so that its result can be fetched with it.",
    )


@pytest.mark.judges(4)
def check_each_queue_has_a_worker_of_its_own(exercise, run, expect, values):
    """If one worker read both queues and a long report were running there, who would take an invoice?

    Two queues alone free nobody; what counts is which worker reads which. Look at --queues= in your Procfile.

    worker-low: celery -A exercise worker --queues=exercise05-low --hostname=worker-low@%h --concurrency=1 …
    """
    days = values.sample(range(1, 29), 8)
    with run() as seen:
        receipts = [task.delay(day) for day in days for task in (exercise.report_stock, exercise.send_invoice)]
        for receipt in receipts:
            receipt.get(timeout=5, interval=0.05)
    for task, worker in ((exercise.report_stock, "worker-low"), (exercise.send_invoice, "worker-high")):
        expect(
            set(seen.workers(task.name)),
            {worker},
            what=f"which workers ran {len(days)} times {task.name}",
            idea=(
                "A worker that reads both queues makes invoices wait behind its report all the same. Each queue needs "
                "a worker that reads it alone; without --queues= a worker reads all of them."
            ),
        )
