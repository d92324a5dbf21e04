"""Keeps one process of ``fedclair service`` for calls with arrays. It starts with the first call and ends with this process."""

from __future__ import annotations

import atexit
import json
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, Any, Mapping

from .command import FedclairError, command

_lock = threading.Lock()
_running: tuple[subprocess.Popen[str], IO[str]] | None = None
"""The process, and the file with its stderr."""


def ask(request: Mapping[str, Any]) -> Any:
    """Sends a request and returns its result. Calls of several threads wait for each other.
    :raises FedclairError: with the message of the service, or the last lines that it printed if it ended"""
    with _lock:
        process, printed = _start()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: there is no answer
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            printed.seek(0)
            raise FedclairError(printed.read().strip() or f"fedclair service ended with {code}", code)
    answer = json.loads(line)
    if "error" in answer:
        raise FedclairError(answer["error"], answer["exitCode"])
    return answer["result"]


def shared_folder() -> tempfile.TemporaryDirectory[str]:
    """Creates a folder for the arrays of a call: in memory where the system has such a place, as Linux does."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="fedclair-", dir=memory if memory.is_dir() else None)


def _start() -> tuple[subprocess.Popen[str], IO[str]]:
    global _running
    if _running is None or _running[0].poll() is not None:
        printed = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        process = subprocess.Popen(
            [*command(), "service"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=printed, encoding="utf-8"
        )
        _running = process, printed
    return _running


@atexit.register
def _end() -> None:
    if _running is not None:
        process = _running[0]
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
