"""check_it_is_sent_once: Each delay() sends a message, and this function calls it twice."""


def send_sum(x: int, y: int) -> AsyncResult:
    """Send add(x, y); returns its receipt."""
    add.delay(x, y)
    return add.delay(x, y)
