"""Run a lesson's driver: refuse plainly where it can't work, and show what happened where it did."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from celery import Celery
from rich.console import Console

import global_config
from classroom import catalog, queues, servers
from classroom.recorder import recording
from classroom.refusal import Refusal
from classroom.timeline import Timeline, svg

ADDRESSES = {
    "RABBITMQ_URL": "RabbitMQ",
    "REDIS_BROKER_URL": "Redis",
    "POSTGRES_URL": "PostgreSQL",
    "REDIS_URL": "Redis",
}


def run_driver(main: Callable[[], None], app: Celery, *more: Celery) -> None:
    """Run `main` against the workers of `app`, which is the lesson's, and of any further apps.

    What `main` prints goes to stdout; the header, the timeline and every refusal go to stderr. Exits with status 1
    and one sentence where the broker, the result store or a worker is missing, or where `main` raises.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if sys.argv[1:] and main.__name__ == "main":  # a driver that takes arguments hands them to its main() itself
        lesson = catalog.find(app.main)
        console.print(f"The driver of lesson {lesson.number} takes no arguments: {' '.join(sys.argv[1:])}")
        sys.exit(2)
    try:
        refuse_early(app, *more)
        console.print(header(app, *more), style="dim")
        failure = None
        with recording(app, *more) as events:
            try:
                main()
                print(end="", flush=True)
            except BrokenPipeError:  # whoever read our story has had enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            except Exception as error:
                failure = error
        show(Timeline(events))
    except KeyboardInterrupt:
        sys.exit("Stopped.")
    except Refusal as refusal:
        sys.exit(str(refusal))
    except Exception as error:  # of ours, and not the lesson's: a full disk, a broker that went away
        sys.exit(sentence(error))
    if failure:
        sys.exit(sentence(failure))


def refuse_early(app: Celery, *more: Celery) -> None:
    """Raise a Refusal if the broker, the result store or a worker of the apps doesn't answer."""
    apps = (app, *more)
    brokers = [one.conf.broker_write_url or one.conf.broker_url for one in apps]
    for url in dict.fromkeys((*brokers, *(one.conf.result_backend for one in apps))):
        if why := servers.trouble(url):
            raise Refusal(why)
    if unread := {queue for one in apps for queue in queues.unread(one, set(one.amqp.queues))}:
        lesson = catalog.find(app.main)
        commands = "\n".join(f"  {command}" for command in lesson.processes.values())
        raise Refusal(
            f"No worker is reading the queue {' or '.join(sorted(unread))}. Start it in another terminal, and wait "
            f"until it says ready:\n{commands}\n"
            f"Or start everything with one command: lesson run {lesson.number}"
        )


def header(app: Celery, *more: Celery) -> str:
    """Where this run's messages and results go, and what each place stands in for."""
    brokers = [_place(one.conf.broker_url, ("RABBITMQ_URL", "REDIS_BROKER_URL")) for one in (app, *more)]
    results = [_place(one.conf.result_backend, ("POSTGRES_URL", "REDIS_URL")) for one in (app, *more)]
    return f"broker: {'; '.join(dict.fromkeys(brokers))} · results: {'; '.join(dict.fromkeys(results))}"


def _place(url: str, names: tuple[str, ...]) -> str:
    is_server = servers.server(url)
    meant = next((ADDRESSES[name] for name in names if getattr(global_config, name) == url), is_server)
    return is_server if is_server == meant else f"{is_server}, instead of {meant}"


def show(timeline: Timeline) -> None:
    """Draw the timeline on stderr, and into the file that LESSONS_SVG names."""
    Console(stderr=True).print("", timeline, sep="\n")
    if file := os.environ.get("LESSONS_SVG"):
        Path(file).write_text(svg(timeline))


def sentence(error: BaseException) -> str:
    """What went wrong, and on which line of the lesson."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(catalog.LESSONS)]
    where = next((f for f in reversed(frames) if "classroom" not in f.filename), None)
    said = f"{type(error).__name__}: {error}".rstrip(": ").splitlines()[0]
    if not where:
        return f"The driver stopped with {said}"
    place = Path(where.filename).relative_to(catalog.COURSE)
    return f"The driver stopped with {said}\n  at {place}, line {where.lineno}: {where.line}"
