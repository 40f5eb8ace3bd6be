"""check_an_urgent_report_goes_to_high: It changes the routes for one report, and they apply to all later calls."""


def urgent_report(month: int) -> AsyncResult:
    """Send report_sales to exercise05-high, this once; returns its receipt."""
    app.conf.task_routes["exercise.report_sales"] = {"queue": "exercise05-high"}
    return report_sales.delay(month)
