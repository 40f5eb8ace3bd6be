"""check_a_worker_adds: add(x, y) calls the function, so it runs in the caller's process."""


def send_sum(x: int, y: int) -> AsyncResult:
    """Send add(x, y); returns its receipt."""
    return AsyncResult(str(add(x, y)), app=app)
