"""check_what_was_read_is_saved: Nothing catches the soft limit, so the line that saves is never reached."""


@app.task(soft_time_limit=0.5, time_limit=2.5)
def read_round(night: str, meters: list[str]) -> dict[str, int | None]:
    """Read the meters in this order; returns their figures, or saves them when it is stopped."""
    figures: dict[str, int | None] = {}
    for meter in meters:
        try:
            figures[meter] = read_meter(meter)
        except ValueError:
            figures[meter] = None
    save(night, figures)
    return figures
