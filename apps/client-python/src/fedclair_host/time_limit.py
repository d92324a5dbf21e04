"""Limits the time of clients."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any, Mapping


class TimeLimitExceeded(BaseException):
    """Raised in a client that exceeds its time limit. Not an Exception, so that `except Exception` in the client does not swallow it."""


class TimeLimit:
    """Interrupts its block after some seconds if the system has timers and this is the main thread."""

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._has_timer = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        self._started = time.monotonic()
        if self._has_timer:
            self._before = signal.signal(signal.SIGALRM, self._ring)
            signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(self, *_: object) -> None:
        if self._has_timer:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)
        if time.monotonic() - self._started > self._seconds:
            raise TimeLimitExceeded  # native code is not interrupted, and a client may have swallowed the exception

    @staticmethod
    def _ring(*_: object) -> None:
        raise TimeLimitExceeded


def client_seconds(trial: Mapping[str, Any]) -> float:
    """`limits.clientSeconds` of a trial."""
    return float(trial.get("limits", {}).get("clientSeconds", 30))


def grace_seconds(trial: Mapping[str, Any]) -> float:
    """Time beyond its limit after which a client's process is ended, so that a client that can be interrupted is not.
    The round must still be open then (`limits.answerSeconds`)."""
    slack = float(trial.get("limits", {}).get("answerSeconds", 60)) - client_seconds(trial)
    return min(1.0, max(slack, 0) / 4)
