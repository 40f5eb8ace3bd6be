"""check_a_stuck_round_is_ended: There is no hard limit, so a meter that ignores the soft limit is never stopped."""


@app.task(soft_time_limit=0.5)
def read_round(night: str, meters: list[str]) -> dict[str, int | None]:
    """Read the meters in this order; returns their figures, or saves them when it is stopped."""
    figures: dict[str, int | None] = {}
    try:
        for meter in meters:
            try:
                figures[meter] = read_meter(meter)
            except ValueError:  # and not Exception, which would take the soft limit for a broken meter
                figures[meter] = None
    except SoftTimeLimitExceeded:
        save(night, figures)
        raise  # so that the state tells the truth
    return figures
