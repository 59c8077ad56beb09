"""The command as a process of its own: what ``perfeval-xl`` and ``python -m perfeval_xl`` run.

A check of one form takes some 60 ms, and a fifth of that would go to the cyclic garbage collector, which finds nothing: it walks through the
modules while they are loaded, and once more through everything before the process ends.
"""

import gc
import sys

gc.set_threshold(50_000)


def run() -> None:
    """Runs one command and ends the process with its exit status."""
    from perfeval_xl.cli import main

    status = main()
    gc.freeze()
    sys.exit(status)


if __name__ == "__main__":
    run()
