"""check_all_are_sent_before_one_is_waited_for: Each call is sent only when the one before has returned, so a second
baker has nothing to do.
"""


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    answers: list[tuple[str, object]] = []
    for task, args, later in ((bake, (loaves,), 0), (share, (loaves, guests), 0), (sell, (loaves,), seconds)):
        receipt = task.apply_async(args=args, countdown=later)
        said = receipt.get(timeout=10, propagate=False)
        answers.append((receipt.state, said))
    return answers
