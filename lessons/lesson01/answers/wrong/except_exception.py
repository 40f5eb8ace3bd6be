"""check_a_long_round_is_stopped: `except Exception` catches the soft limit, too, as if a meter were broken."""


@app.task(soft_time_limit=0.5, time_limit=2.5)
def read_round(night: str, meters: list[str]) -> dict[str, int | None]:
    """Read the meters in this order; returns their figures, or saves them when it is stopped."""
    figures: dict[str, int | None] = {}
    try:
        for meter in meters:
            try:
                figures[meter] = read_meter(meter)
            except Exception:
                figures[meter] = None
    except SoftTimeLimitExceeded:
        save(night, figures)
        raise  # so that the state tells the truth
    return figures
