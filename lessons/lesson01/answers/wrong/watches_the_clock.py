"""check_what_was_read_is_saved: It checks the clock between two meters, which can't interrupt a slow meter."""


@app.task(time_limit=2.5)
def read_round(night: str, meters: list[str]) -> dict[str, int | None]:
    """Read the meters in this order; returns their figures, or saves them when it is stopped."""
    figures: dict[str, int | None] = {}
    began = monotonic()
    for meter in meters:
        try:
            figures[meter] = read_meter(meter)
        except ValueError:
            figures[meter] = None
        if monotonic() - began > 0.5:
            save(night, figures)
            raise SoftTimeLimitExceeded
    return figures
