"""Worker processes give their results in order, and end when the process that started them does, however that ends."""

import os
import signal
import subprocess
import sys

import pytest

from mirrorme_utils import config, parallel


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_jobs(workers):
    assert parallel.gather(abs, [-3, 1, -2], workers) == [3, 1, 2]


def test_one_worker_is_this_process_itself():
    assert parallel.gather(os.path.abspath, ["a", "b"], workers=1) == [os.path.abspath(name) for name in "ab"]
    assert set(parallel.gather(_process, [0, 0], workers=1)) == {os.getpid()}


def _process(_):
    return os.getpid()


def test_workers_end_with_a_parent_that_is_killed():
    script = """if True:
        import time
        from mirrorme_utils import parallel
        crew = parallel.pool(2)
        list(crew.map(abs, range(4)))
        for _ in range(2):
            crew.submit(time.sleep, 3600)
        print("at work", flush=True)
        time.sleep(3600)
    """
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=config.ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline() == "at work\n"
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=120)  # returns when nobody holds the pipe any more: when the workers have ended, too
