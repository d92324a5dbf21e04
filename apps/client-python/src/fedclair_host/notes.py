"""Notes what a host is doing, for the case that this ends its process: the client that did it is then known, and no host runs it again.

The process that starts the hosts of a machine names a file for each, in a folder that they share. When a host ends, it reads the file,
and tells the other hosts by another file if the client ended it."""

from __future__ import annotations

import mmap
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Sequence

#: The environment variable with the file of this host.
variable = "FEDCLAIR_HOST_NOTE"

_size = 4096
_wait_seconds = 2.0


class Notes:
    """The note of this host, and what is known of hosts that have ended."""

    def __init__(self, file: str | None = None):
        """:param file: the file of this host; default: nothing is noted, and nothing is known"""
        self._file = None if file is None else Path(file)
        self._own = bytearray(_size) if self._file is None else _map(self._file)
        self._others: list[mmap.mmap] = []
        self._ended: dict[str, str] = {}
        self._changed = -1
        #: Whether clients that trained together have ended a host, so that nobody knows which of them did.
        self.is_unclear = False

    @contextmanager
    def of(self, doing: str, clients: Sequence[str] = ()) -> Iterator[None]:
        """Notes what the block does, and for which clients."""
        text = "\t".join(clients) + "\n" + doing
        note = text.encode()[: _size - 1] + b"\0"
        self._own[: len(note)] = note
        try:
            yield
        finally:
            self._own[0] = 0

    def ended_by(self, client: str) -> str | None:
        """Says how a client ended a host, if it did. Waits if a host has just ended while it ran the client."""
        until = time.monotonic() + _wait_seconds
        while True:
            self._read()
            if client in self._ended:
                return self._ended[client]
            if not any(client in _clients(bytes(note[:])) for note in self._others) or time.monotonic() > until:
                return None
            time.sleep(0.005)
            self._changed = -1  # a file may have appeared in the same tick of the clock

    def _read(self) -> None:
        if self._file is None:
            return
        try:
            self._read_folder(self._file)
        except OSError:
            pass  # somebody has removed the folder: nothing more is known

    def _read_folder(self, own: Path) -> None:
        """Reads the other notes, if there are new ones."""
        changed = own.parent.stat().st_mtime_ns
        if changed == self._changed:
            return
        self._changed = changed
        self._others = [_map(file) for file in own.parent.glob("note-*") if file != own]
        for file in own.parent.glob("ended-*"):
            clients, _, text = file.read_text(encoding="utf-8").partition("\n")
            known = clients.split("\t")
            if len(known) > 1:
                self.is_unclear = True
            else:
                self._ended[known[0]] = text


def _map(file: Path) -> mmap.mmap:
    with open(file, "r+b") as opened:
        return mmap.mmap(opened.fileno(), _size)


def _clients(note: bytes) -> list[str]:
    text, _, _ = note.partition(b"\0")
    return text.decode(errors="replace").partition("\n")[0].split("\t") if text else []
