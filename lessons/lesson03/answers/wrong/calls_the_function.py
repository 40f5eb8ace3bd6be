"""check_letters_are_read_side_by_side: count_words(letter) is an ordinary call, so the caller reads the letters."""


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    counts = [count_words(letter) for letter in letters]
    return add_up.apply_async(args=[counts], link_error=tell_archivist.si(box))
