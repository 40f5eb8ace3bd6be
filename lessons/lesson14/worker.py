"""Bring the tables up to date, then be a Celery worker: python -m lesson14.worker --loglevel=info

The same as `python -m lesson14.migrate`, and then `celery -A lesson14.tasks worker` with the same options.
"""

import sys

from lesson14.migrate import migrate
from lesson14.tasks import app


def main() -> None:
    migrate()
    app.worker_main(["worker", *sys.argv[1:]])


if __name__ == "__main__":
    main()
