"""check_nothing_is_waited_for: It sends everything first, but then waits for the results instead of its caller."""


def handle_all() -> list[AsyncResult]:
    """Have every row handled once, in tasks of about 0.2 seconds; returns the receipts."""
    size = round(0.2 / rows.seconds_per_row())
    receipts: list[AsyncResult] = []
    last = 0
    while ids := rows.ids_after(last, size):  # keyset: each page begins after the last id of the page before
        last = ids[-1]
        receipts.append(handle.delay(ids[0], last))
    for receipt in receipts:
        receipt.get(timeout=10)
    return receipts
