"""check_what_was_read_is_saved: It begins with what was saved for that night, so old figures stay among the new."""


@app.task(soft_time_limit=0.5, time_limit=2.5)
def read_round(night: str, meters: list[str]) -> dict[str, int | None]:
    """Read the meters in this order; returns their figures, or saves them when it is stopped."""
    figures = saved(night)
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
