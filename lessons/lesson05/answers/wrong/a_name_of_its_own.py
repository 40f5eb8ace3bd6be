"""check_reports_go_to_low: The pattern is compared with the task's name, and stock.daily doesn't match it, whatever
the function is called.
"""


@app.task(name="stock.daily")
def report_stock(day: int) -> str:
    return f"stock of day {day}"
