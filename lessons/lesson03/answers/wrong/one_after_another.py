"""check_letters_are_read_side_by_side: It waits for each count before it sends the next letter, so the letters are
read one at a time.
"""


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    counts = [count_words.delay(letter).get(timeout=10) for letter in letters]
    return add_up.delay(counts)
