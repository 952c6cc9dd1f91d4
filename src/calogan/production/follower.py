"""Run a module of Parsl that ends together with the production that started it.

Parsl's own processes outlive a production that was killed: the interchange holds the workers, so
that the batch jobs would go on until their time is over. Workers on nodes end when they miss the
interchange; those on this machine, and the interchange, run here.

    python -m calogan.production.follower PID MODULE ARGUMENTS...
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

__all__ = ["main"]


def main() -> None:
    """Run the module; end it, and what it started, when the process PID is gone."""
    leader, module = int(sys.argv[1]), sys.argv[2]
    del sys.argv[:2]
    is_child = os.getppid() == leader  # and in its process group, where the workers are not
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the production's, which ends this

    def follow() -> None:
        while os.getppid() == leader if is_child else _runs(leader):
            time.sleep(1)
        if not is_child:
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
