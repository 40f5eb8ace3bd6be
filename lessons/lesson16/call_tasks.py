"""Lesson 16 · Break it: predict, break, see what happened, and what cures it.

python -m lesson16.call_tasks                             all experiments that can be made here
python -m lesson16.call_tasks child_killed --predict 1    one of them, or some, and why it is like that
"""

from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor

from classroom.driver import run_driver
from lesson16 import callers, canvas, messages, redelivery, tasks_redis, workers
from lesson16.lab import INTERRUPTED, Experiment
from lesson16.tasks import app

EXPERIMENTS = {
    name: one
    for module in (workers, redelivery, callers, messages, canvas)
    for name, one in vars(module).items()
    if isinstance(one, Experiment)
}
AT_ONCE = 4  # experiments side by side: they mostly wait
TABLE = "{:22} {:>9} {:>8} {:>4}  {}"


def main(*names: str, predicted: int | None = None) -> None:
    """Make the experiments, all of them unless named, and print a line for each, in their order."""
    chosen = {name: EXPERIMENTS[name] for name in names or EXPERIMENTS}
    for name in names:
        print(f"{name}: {chosen[name].question}", flush=True)
    print(TABLE.format("experiment", "predicted", "happened", "then", "the cure"), flush=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = {name: pool.submit(one) for name, one in chosen.items() if one.broker}
        try:
            for name, one in chosen.items():
                if name in outcomes:
                    happened, then = outcomes[name].result()
                    print(
                        TABLE.format(name, "" if predicted is None else predicted, happened, then, one.cure), flush=True
                    )
                else:
                    print(f"{name:22} needs {' or '.join(one.brokers)}: lesson use services", flush=True)
        except BaseException:
            INTERRUPTED.set()
            pool.shutdown(cancel_futures=True)
            raise
    for name in names:
        print(f"\n{chosen[name].why}")


if __name__ == "__main__":
    parser = ArgumentParser(prog="lesson run 16")
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT", help=", ".join(EXPERIMENTS))
    parser.add_argument("--predict", type=int, metavar="NUMBER", help="what you expect; with one experiment")
    typed = parser.parse_args()
    if unknown := set(typed.names) - set(EXPERIMENTS):
        parser.exit(2, f"There is no experiment {', '.join(sorted(unknown))}; there are: {', '.join(EXPERIMENTS)}.\n")
    if typed.predict is not None and len(typed.names) != 1:
        parser.exit(2, "A prediction is for one experiment: lesson run 16 child_killed --predict 1\n")
    run_driver(lambda: main(*typed.names, predicted=typed.predict), app, tasks_redis.app)
