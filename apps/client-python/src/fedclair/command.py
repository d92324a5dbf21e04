"""Runs the command ``fedclair`` and returns what it prints."""

from __future__ import annotations

import os
import subprocess
import threading
from collections import deque
from typing import IO, Callable, Collection, Mapping, Sequence

from fedclair_command import FedclairError, command

from .progress import message_of

__all__ = ["FedclairError", "call", "command"]


def call(
    arguments: Sequence[str],
    *,
    on_line: Callable[[str], None] = lambda _: None,
    on_start: Callable[[subprocess.Popen[str]], None] = lambda _: None,
    environment: Mapping[str, str] | None = None,
    accepted: Collection[int] = (0,),
) -> str:
    """Runs the command and returns what it prints.

    :param on_line: is called with each line of its stderr, in another thread
    :param on_start: is called with the process, to end it early
    :param environment: variables to add to those of this process
    :param accepted: exit codes that are no failure
    :raises FedclairError: if there is no command, or if it fails"""
    errors: deque[str] = deque(maxlen=_LINES)
    with subprocess.Popen(
        [*command(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, **(environment or {})},
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        on_start(process)
        listener = threading.Thread(target=_listen, args=(process.stderr, errors, on_line))
        listener.start()
        try:
            printed = process.stdout.read()
        except KeyboardInterrupt:
            process.terminate()  # outside a terminal, as in a notebook, the signal came to this process alone
            raise
        finally:
            listener.join()
    if process.returncode not in accepted:
        text = "\n".join(filter(None, map(message_of, errors))).strip()
        raise FedclairError(text or f"fedclair ended with {process.returncode}", process.returncode)
    return printed


#: Lines of stderr that an error has, the last ones.
_LINES = 40


def _listen(stderr: IO[str], errors: deque[str], on_line: Callable[[str], None]) -> None:
    for line in stderr:
        errors.append(line.rstrip("\n"))
        on_line(line)
