"""check_the_archivist_is_told: Every letter has the error callback, so two unreadable letters are reported twice."""


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    header = [count_words.s(letter).on_error(tell_archivist.si(box)) for letter in letters]
    return chord(header)(add_up.s())
