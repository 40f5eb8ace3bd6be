"""check_a_callback_adds_up: It returns the right receipt, but waits until the workers are done."""


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    total = add_up.s().on_error(tell_archivist.si(box))
    receipt = chord([count_words.s(letter) for letter in letters])(total)
    receipt.wait(timeout=10, propagate=False)
    return receipt
