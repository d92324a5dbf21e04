"""Finds threads that outlive the turn of the client that started them."""

from __future__ import annotations

import sys
import threading


class Leftovers:
    """The threads of this process that were not there before."""

    def __init__(self) -> None:
        self._known = set(sys._current_frames())

    def find_new(self) -> list[str]:
        """Returns the names of threads that have started since the last call and still run."""
        present = set(sys._current_frames())  # `threading.enumerate` does not have those that `_thread` starts
        new, self._known = present - self._known, present
        if not new:
            return []
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        return [names.get(thread, "without a name") for thread in sorted(new)]
