"""check_the_archivist_is_told: With .s() the error callback also receives an id, one argument too many."""


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    total = add_up.s().on_error(tell_archivist.s(box))
    return chord([count_words.s(letter) for letter in letters])(total)
