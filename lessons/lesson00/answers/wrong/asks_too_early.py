"""check_a_worker_does_the_work: The state is read before get() has waited, so it still says PENDING."""


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    # Not sell.delay(loaves, countdown=seconds), because delay() passes everything it is given to the task.
    receipts = [bake.delay(loaves), share.delay(loaves, guests), sell.apply_async((loaves,), countdown=seconds)]
    return [(receipt.state, receipt.get(timeout=10, propagate=False)) for receipt in receipts]
