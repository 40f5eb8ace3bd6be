"""check_the_shop_has_no_code_of_the_mail_room: A second app declares the task, whose code belongs to the mail room."""

mailroom = Celery("mailroom", broker=RABBITMQ_URL, backend=POSTGRES_URL)
mailroom.config_from_object("global_config")
mailroom.conf.update(
    task_default_queue="exercise06",
    control_exchange="exercise06",
)


@mailroom.task(name="letter.send")
def letter(customer: int, *, language: str) -> None: ...


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    return letter.delay(customer, language=language)
