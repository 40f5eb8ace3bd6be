"""Lesson 05 · Queue routing: see which worker runs what, and what a slow task holds up.

python -m lesson05.call_tasks
"""

from pathlib import Path
from time import monotonic

from classroom.driver import run_driver
from global_config import LESSONS_HOME
from lesson05.tasks import app, clean_up, greet, report_year


def see_who_runs_what() -> None:
    receipts = {
        "greet, no route:           ": greet.delay("Ada"),
        "clean_up, routed by name:  ": clean_up.delay(),
        "report_year, by a pattern: ": report_year.delay(2025),
        "report_year, by the call:  ": report_year.apply_async(args=(2026,), queue="lesson05-high"),  # beats the route
    }
    for how, receipt in receipts.items():
        print(how, receipt.get(timeout=10), "from", receipt.worker.partition("@")[0])  # after the @: the machine


def time_a_greeting(queue: str) -> float:
    """Seconds until a greeting sent to `queue` is back, while a report is being made."""
    report = report_year.delay(2025)
    start = monotonic()
    greet.apply_async(args=("Grace",), queue=queue).get(timeout=10, interval=0.02)  # look every 0.02 s, not every 0.5 s
    seconds = monotonic() - start
    report.get(timeout=10)
    return seconds


def misspell_a_queue() -> None:
    with app.connection_for_write() as connection:  # one for both: we look when the message is there
        lost = greet.apply_async(args=("Alan",), queue="lesson05-hihg", connection=connection)  # no error
        channel = connection.default_channel
        waiting = channel.queue_declare("lesson05-hihg", passive=True).message_count  # passive: look, make nothing
        files = Path(LESSONS_HOME, "messages").glob("*.lesson05-hihg.msg")  # a server keeps its messages to itself
        names = ["…" + "".join(file.suffixes) for file in files] or ["at the server"]
        print("greet, misspelled queue:   ", lost.state)
        print("messages in that queue:    ", waiting, *names)
        channel.queue_purge("lesson05-hihg")  # no worker would ever take it away
        channel.queue_delete("lesson05-hihg")
        channel.exchange_delete("lesson05-hihg")


def main() -> None:
    see_who_runs_what()
    print(f"greeting beside a report:   ≈ {time_a_greeting('lesson05-high'):.2f} s")
    print(f"greeting behind a report:   ≈ {time_a_greeting('lesson05-low'):.2f} s")
    misspell_a_queue()


if __name__ == "__main__":
    run_driver(main, app)
