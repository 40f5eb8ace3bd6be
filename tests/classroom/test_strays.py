"""Whatever an answer leaves running ends, and what the judge itself has started stays."""

import os
import subprocess
import sys
from collections.abc import Callable
from time import monotonic, sleep

import pytest

from classroom import bounds

pytestmark = [pytest.mark.once, pytest.mark.skipif(sys.platform != "linux", reason="needs a subreaper")]

LEAVES = """
import os, subprocess, sys, time
from classroom import strays

strays.LINUX = {linux}
strays.keep_in_sight()
ours = subprocess.Popen(["sleep", "60"])
subprocess.run("setsid sleep 61 & setsid sh -c 'sleep 62 & sleep 63' &", shell=True)
if {linux} and not os.fork():
    os.setsid()
    os.fork() or time.sleep(60)
    os._exit(0)
sys.stdin.readline()
strays.end_strays({{ours.pid}})
print("ended", flush=True)
sys.stdin.read()
ours.kill()
"""


@pytest.mark.parametrize("linux", [True, False])
def test_daemons_end_and_ours_stays(linux: bool, alive: Callable[[], list[str]]) -> None:
    """Found as our children on Linux, and by the mark in their environment elsewhere."""
    code = LEAVES.format(linux=linux)
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    deadline = monotonic() + 30
    while len([line for line in alive() if " sleep 6" in line]) < 4:
        assert monotonic() < deadline
        sleep(0.05)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ended\n"
    left = {int(line.partition(" ")[0]): line.partition(" ")[2] for line in alive()}
    process.communicate()
    del left[process.pid]
    assert list(left.values()) == ["sleep 60"]


LOGS = """
import logging, os, sys
from classroom import bounds

bounds.limit()
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.dup2(log, 1), os.dup2(log, 2)
for _ in range(20_000):
    logging.warning("x" * 1000)
    os.system("head -c 1000 /dev/zero") if _ % 1000 == 0 else None
os.write(1, b"x")
"""


def test_a_file_has_an_end_whichever_way_one_writes(tmp_path: os.PathLike[str]) -> None:
    """Logging, a program that is started, os.write: 20 MB become 8."""
    log = os.path.join(tmp_path, "log")
    wrote = subprocess.run([sys.executable, "-c", LOGS, log], stderr=subprocess.DEVNULL)
    assert wrote.returncode in (1, 120)  # 120: Python could not flush its output at the end, either
    assert os.stat(log).st_size == bounds.FILE
