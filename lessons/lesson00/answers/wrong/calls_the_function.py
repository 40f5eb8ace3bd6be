"""check_a_worker_does_the_work: bake(loaves) calls the function in the caller's process, and no worker is involved."""


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    sleep(seconds)
    answers: list[tuple[str, object]] = [("SUCCESS", bake(loaves))]
    try:
        answers.append(("SUCCESS", share(loaves, guests)))
    except ZeroDivisionError as error:
        answers.append(("FAILURE", error))
    return [*answers, ("SUCCESS", sell(loaves))]
