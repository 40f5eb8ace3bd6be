"""check_a_long_round_is_stopped: There is only a hard limit, and it kills the process before `finally` can run."""


@app.task(time_limit=0.5)
def read_round(night: str, meters: list[str]) -> dict[str, int | None]:
    """Read the meters in this order; returns their figures, or saves them when it is stopped."""
    figures: dict[str, int | None] = {}
    try:
        for meter in meters:
            try:
                figures[meter] = read_meter(meter)
            except ValueError:  # and not Exception, which would take the soft limit for a broken meter
                figures[meter] = None
    finally:
        save(night, figures)
    return figures
