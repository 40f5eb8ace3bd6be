"""check_nothing_is_waited_for: It waits for each task, so one of the two processes is always idle."""


def handle_all() -> list[AsyncResult]:
    """Have every row handled once, in tasks of about 0.2 seconds; returns the receipts."""
    size = round(0.2 / rows.seconds_per_row())
    receipts: list[AsyncResult] = []
    last = 0
    while ids := rows.ids_after(last, size):  # keyset: each page begins after the last id of the page before
        last = ids[-1]
        receipt = handle.delay(ids[0], last)
        receipt.get(timeout=10, interval=0.02)
        receipts.append(receipt)
    return receipts
