"""check_a_callback_adds_up: The longest letters are sent first, so the counts are in another order."""


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    # .si(): with .s() the error callback would be given an id in front of the box, and it takes but one argument.
    total = add_up.s().on_error(tell_archivist.si(box))
    return chord([count_words.s(letter) for letter in sorted(letters, key=len, reverse=True)])(total)
