"""check_the_archivist_is_told: A letter that can't be read counts as 0 words, so nothing fails and the sum is wrong."""


@app.task
def count_words(letter: str) -> int:
    if "???" in letter:
        return 0
    words = len(letter.split())
    sleep(words / 20)  # reading takes its time
    return words
