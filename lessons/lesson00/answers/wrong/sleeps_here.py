"""check_selling_waits_for_the_shop_to_open: The caller sleeps until the shop opens, instead of using a countdown."""


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    baking, sharing = bake.delay(loaves), share.delay(loaves, guests)
    sleep(seconds)
    receipts = [baking, sharing, sell.delay(loaves)]
    said = [receipt.get(timeout=10, propagate=False) for receipt in receipts]
    return [(receipt.state, value) for receipt, value in zip(receipts, said, strict=True)]
