"""check_the_archivist_is_told: There is no error callback, so the archivist isn't told about a bad letter."""


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    return chord([count_words.s(letter) for letter in letters])(add_up.s())
