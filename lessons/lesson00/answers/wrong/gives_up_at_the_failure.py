"""check_a_failure_is_handed_over: One `try` is around all three get() calls, so after the failure no code waits for
sell.
"""


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    baking, sharing = bake.delay(loaves), share.delay(loaves, guests)
    selling = sell.apply_async((loaves,), countdown=seconds)
    try:
        said = [receipt.get(timeout=10) for receipt in (baking, sharing, selling)]
    except ZeroDivisionError as error:
        said = [baking.result, error, selling.result]
    return [(receipt.state, value) for receipt, value in zip((baking, sharing, selling), said, strict=True)]
