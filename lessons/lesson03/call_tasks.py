"""Lesson 03 · Chord: run tasks side by side, and have one more called with all their results.

python -m lesson03.call_tasks
"""

from time import perf_counter

from celery import chord, group, uuid
from celery.result import AsyncResult

from classroom.driver import run_driver
from lesson03 import tasks, tasks_postgres
from lesson03.tasks import apologise, app, cook, serve


def cook_side_by_side() -> None:
    started = perf_counter()
    dishes = group(cook.s("rice", 1.2), cook.s("soup", 0.6), cook.s("fish", 0.2))()
    print("2.0 s of cooking:", dishes.get(timeout=10, interval=0.05), f"≈ {perf_counter() - started:.2f} s")


def serve_what_was_cooked() -> None:
    for kitchen in tasks, tasks_postgres:  # the same tasks, but another result backend
        header = [kitchen.cook.s("rice", 1.2), kitchen.cook.s("soup", 0.6), kitchen.cook.s("fish", 0.2)]
        meal = chord(header)(kitchen.serve.s())  # serve is sent once all three are done
        print("a chord gave", meal.get(timeout=10, interval=0.05))
        last_dish = max(dish.date_done for dish in meal.parent.results)  # a chord's parent is its header
        store = kitchen.app.conf.result_backend.partition(":")[0]
        how = "counted" if store.startswith("redis") else "polled"
        print(f"  {how} in {store}, served ≈ {(meal.date_done - last_dish).total_seconds():.2f} s after the last dish")
    if tasks.app.conf.result_backend.startswith("db+sqlite"):
        print("  (SQLite stands in for Redis as well, so both were polled)")


def fail_in_the_header() -> None:
    apology = uuid()
    header = [cook.s("rice", 0.2), cook.s("stone", 0)]
    meal = chord(header)(serve.s().on_error(apologise.si("dinner").set(task_id=apology)))
    try:
        meal.get(timeout=10, interval=0.05)
    except ValueError as error:
        print("get() raised what the header raised:", repr(error))
    print("serve itself never ran, and is:", type(meal.get(timeout=10, propagate=False)).__name__, meal.state)
    print("the error callback:", AsyncResult(apology, app=app).get(timeout=10))


def serve_nothing() -> None:
    print("an empty header:", chord([])(serve.s()).get(timeout=10))


def main() -> None:
    cook_side_by_side()
    serve_what_was_cooked()
    fail_in_the_header()
    serve_nothing()


if __name__ == "__main__":
    run_driver(main, app, tasks_postgres.app)
