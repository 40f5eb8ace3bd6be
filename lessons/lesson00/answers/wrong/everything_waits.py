"""check_selling_waits_for_the_shop_to_open: Every call has the countdown, so the bakers wait for the opening, too."""


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    calls = [(bake, (loaves,)), (share, (loaves, guests)), (sell, (loaves,))]
    receipts = [task.apply_async(args, countdown=seconds) for task, args in calls]
    said = [receipt.get(timeout=10, propagate=False) for receipt in receipts]
    return [(receipt.state, value) for receipt, value in zip(receipts, said, strict=True)]
