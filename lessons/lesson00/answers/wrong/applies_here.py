"""check_a_worker_does_the_work: apply() runs the task in the caller's process, unlike apply_async() and delay()."""


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    receipts = [bake.apply((loaves,)), share.apply((loaves, guests)), sell.apply((loaves,), countdown=seconds)]
    said = [receipt.get(propagate=False) for receipt in receipts]
    return [(receipt.state, value) for receipt, value in zip(receipts, said, strict=True)]
