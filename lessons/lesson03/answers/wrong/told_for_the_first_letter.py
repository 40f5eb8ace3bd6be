"""check_the_archivist_is_told: The error callback is that of the first letter, and the others fail in silence."""


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    header = [count_words.s(letter) for letter in letters]
    header[0].on_error(tell_archivist.si(box))
    return chord(header)(add_up.s())
