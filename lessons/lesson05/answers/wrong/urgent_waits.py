"""check_an_urgent_report_goes_to_high: It waits for the report and returns its value instead of an AsyncResult."""


def urgent_report(month: int) -> str:
    """Send report_sales to exercise05-high, this once; returns its receipt."""
    return report_sales.apply_async(args=(month,), queue="exercise05-high").get(timeout=10)
