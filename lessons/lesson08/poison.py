"""Lesson 08: what callers see of a FAILURE that a task set by hand, on either result backend."""

from celery.result import AsyncResult

from lesson08 import tasks, tasks_postgres


def poison() -> None:
    shops = {shop.app.conf.result_backend.partition(":")[0]: shop for shop in (tasks, tasks_postgres)}
    for store, shop in shops.items():
        print("FAILURE set by hand, results in", store)
        receipts = {then: shop.mark_failed.delay(then) for then in ("raise", "return", "raise Ignore")}
        neighbour = shop.print_pages.delay(2)  # it runs when these three have ended: there is one process
        hits = 0
        while (said := ask(neighbour)).startswith("ValueError"):
            hits += 1
        for then, receipt in receipts.items():
            print(f"  then {then + ':':18}", ask(receipt))
        print("  another task's get():  ", f"the same error {hits} times, then {said}" if hits else said)
        for receipt in receipts.values():
            receipt.forget()
        print("  after forget():        ", receipt.state)
    if len(shops) == 1:
        print("  (SQLite stands in for Redis, too. Redis itself is worse.)")


def ask(receipt: AsyncResult) -> str:
    try:
        outcome = receipt.get(timeout=10, interval=0.05, propagate=False)  # seconds between looks, instead of 0.5
        return f"{receipt.state} {outcome!r}"
    except ValueError as error:  # raised by get() itself, because it can't read what is stored
        return repr(error)
