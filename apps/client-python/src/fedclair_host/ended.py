"""The clients that have ended a process, told among the hosts of a machine: none of them runs such a client again.

The process that starts the hosts names a file of each in a folder that they share (host-notes.ts). Beside it, each client has a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Mapping

#: The environment variable with the file of this host.
variable = "FEDCLAIR_HOST_NOTE"


class EndedClients:
    """How clients have ended a process, by client."""

    def __init__(self, file: str | None = None):
        """:param file: the file of this host; default: nothing is told to others"""
        self._folder = None if file is None else Path(file).parent
        self._known: dict[str, str] = {}
        self._changed = -1

    def add(self, client: str, how: str) -> None:
        self._known[client] = how
        if self._folder is None:
            return
        name = f"ended-{os.getpid()}-{len(self._known)}"
        try:
            part = self._folder / f"part-{name}"
            part.write_text(f"{client}\n{how}", encoding="utf-8")
            part.rename(self._folder / name)
        except OSError:
            pass  # somebody has removed the folder

    def find(self, client: str) -> str | None:
        """Says how a client has ended a process, if it has."""
        return self._read().get(client)

    def _read(self) -> Mapping[str, str]:
        if self._folder is None:
            return self._known
        try:
            changed = self._folder.stat().st_mtime_ns
            if changed != self._changed:
                for file in self._folder.glob("ended-*"):
                    client, _, how = file.read_text(encoding="utf-8").partition("\n")
                    self._known.setdefault(client, how)
                self._changed = changed
        except OSError:
            pass  # somebody has removed the folder: nothing more is known
        return self._known
