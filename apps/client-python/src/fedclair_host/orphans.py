"""Ends processes that clients have forked, also those that have left the group of their process. Only Linux can tell which they are."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

#: How often to look for children of children that were ended.
_most_looks = 20


def adopt_orphans() -> None:
    """Has the system make this process the parent of descendants whose parent ends."""
    with contextlib.suppress(ImportError, OSError, AttributeError, TypeError):
        import ctypes

        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def list_children() -> frozenset[int]:
    """Returns the children of this process, as far as the system tells."""
    children: set[int] = set()
    with contextlib.suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that has ended
                children.update(map(int, (task / "children").read_text().split()))
    return frozenset(children)


def end_orphans(others: frozenset[int]) -> None:
    """Ends all children of this process apart from some others."""
    for _ in range(_most_looks):
        orphans = list_children() - others
        if not orphans:
            return
        for pid in orphans:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.005)
