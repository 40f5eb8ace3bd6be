"""apply_async() is the longer way to write delay()."""


def send_sum(x: int, y: int) -> AsyncResult:
    """Send add(x, y); returns its receipt."""
    return add.apply_async(args=(x, y))
