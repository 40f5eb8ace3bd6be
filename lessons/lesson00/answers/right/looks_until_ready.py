"""It polls ready() until all three have ended, and then reads state and result without calling get()."""


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    receipts = [bake.delay(loaves), share.delay(loaves, guests), sell.apply_async([loaves], countdown=seconds)]
    while not all(receipt.ready() for receipt in receipts):
        sleep(0.05)
    return [(receipt.state, receipt.result) for receipt in receipts]
