"""Variables of the environment that would change a lesson: Celery, its command and Flower put them above its settings.

They are removed before Celery reads them, so that a run goes where its header says. `celery` itself turns BROKER_URL
into CELERY_BROKER_URL before it imports the app, and reads the options of `worker` and `flower` after that.
"""

import os
import re
import sys

REDIRECT = re.compile(
    r"""(CELERY_)? (BROKER_URL | RESULT_BACKEND | LOADER | CONFIG_MODULE)
    | CELERY_ (BROKER | BROKER_READ_URL | BROKER_WRITE_URL | CONFIG)
    | CELERY_ (WORKER | BEAT) _\w+                         # options: CELERY_WORKER_CONCURRENCY
    | FLOWER_ (?!PORT$ | UNAUTHENTICATED_API$) \w+         # these two are the course's as well
    | DJANGO_SETTINGS_MODULE""",
    re.VERBOSE,
)


def ignore() -> str:
    """Remove these variables from os.environ; returns a sentence that names those that had a value, or ""."""
    values = {name: os.environ.pop(name) for name in sorted(os.environ) if REDIRECT.fullmatch(name)}
    names = [name for name, value in values.items() if value]
    if not names:
        return ""
    return (
        f"The course ignores {', '.join(names)} from your environment, which would change a lesson. "
        f"To end this message: unset {' '.join(names)}"
    )


def ignore_aloud() -> None:
    """Remove these variables from os.environ, and say so on stderr."""
    if said := ignore():
        print(said, file=sys.stderr)
