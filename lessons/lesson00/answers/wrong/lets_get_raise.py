"""check_a_failure_is_handed_over: get() raises what the task raised, so morning() raises too and returns nothing."""


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    # Not sell.delay(loaves, countdown=seconds), because delay() passes everything it is given to the task.
    receipts = [bake.delay(loaves), share.delay(loaves, guests), sell.apply_async((loaves,), countdown=seconds)]
    # All three are on their way, so wait now, and ask for the state last: until a task has ended, it is PENDING.
    said = [receipt.get(timeout=10) for receipt in receipts]
    return [(receipt.state, value) for receipt, value in zip(receipts, said, strict=True)]
