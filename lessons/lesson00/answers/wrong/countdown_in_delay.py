"""check_a_worker_does_the_work: delay() passes everything it is given to the task, so sell() receives a countdown
that it doesn't know.
"""


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    receipts = [bake.delay(loaves), share.delay(loaves, guests), sell.delay(loaves, countdown=seconds)]
    # All three are on their way, so wait now, and ask for the state last: until a task has ended, it is PENDING.
    said = [receipt.get(timeout=10, propagate=False) for receipt in receipts]
    return [(receipt.state, value) for receipt, value in zip(receipts, said, strict=True)]
