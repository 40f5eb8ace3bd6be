"""check_a_callback_adds_up: link() sends tell_archivist after a success, too."""


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    total = add_up.s().on_error(tell_archivist.si(box))
    total.link(tell_archivist.si(box))
    return chord([count_words.s(letter) for letter in letters])(total)
