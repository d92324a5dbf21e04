"""Finds and runs the command ``fedclair``, which is a program of Node.js."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Sequence


class FedclairError(Exception):
    """The command failed. The message is its own, and ``exit_code`` is explained in docs/errors.md."""

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code


def call(arguments: Sequence[str], *, show_progress: bool = False) -> str:
    """Runs the command and returns what it prints. :param show_progress: whether to print its stderr as it comes
    :raises FedclairError: if there is no command, or if it fails"""
    said: list[str] = []
    with subprocess.Popen(
        [*_command(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        listener = threading.Thread(target=_listen, args=(process.stderr, said, show_progress))
        listener.start()
        printed = process.stdout.read()
        listener.join()
    if process.returncode != 0:
        raise FedclairError("".join(said[-_LINES:]).strip() or f"fedclair ended with {process.returncode}", process.returncode)
    return printed


#: Lines of stderr that an error has, the last ones.
_LINES = 40


def _listen(stderr: IO[str], said: list[str], is_shown: bool) -> None:
    for line in stderr:
        said.append(line)
        if is_shown:
            print(line, end="", file=sys.stderr, flush=True)


def _command() -> list[str]:
    named = os.environ.get("FEDCLAIR_COMMAND")
    if named:
        # A file of JavaScript cannot be started by itself everywhere.
        return ["node", named] if named.endswith(".js") else [named]
    for folder in (Path.cwd(), *Path.cwd().parents):
        local = shutil.which("fedclair", path=str(folder / "node_modules" / ".bin"))
        if local:
            return [local]
    found = shutil.which("fedclair")
    if found is None:
        raise FedclairError("there is no command fedclair: install it by npm install fedclair, or name it in FEDCLAIR_COMMAND", 2)
    return [found]
