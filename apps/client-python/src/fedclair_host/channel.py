"""What a host and the process that runs its clients say to each other, and memory that they share."""

from __future__ import annotations

import mmap
import os
import select
import socket
import struct
from typing import NamedTuple

#: Kinds of frames to the process of clients. The first one says what to load.
SETUP, TRIAL, MESSAGE = b"S", b"T", b"M"
#: Kinds of frames to the host: the clients are loaded or cannot be, more of their files are loaded, a job is answered.
LOADED, FAILED, FILES, ANSWER = b"L", b"F", b"I", b"A"

header = struct.Struct("<cQ")
#: Begins an answer: the id of its job.
answer_id = struct.Struct("<Q")

_longest_receive = 1 << 26


class Channel:
    """The end of the clients: frames that are sent and received while nothing else runs."""

    def __init__(self, end: socket.socket):
        self._end = end

    def send(self, kind: bytes, *parts: bytes) -> None:
        self._end.sendall(b"".join([header.pack(kind, sum(map(len, parts))), *parts]))

    def receive(self) -> tuple[bytes, bytes]:
        """Waits for a frame. :returns: its kind and content :raises EOFError: if the host has closed its end"""
        kind, size = header.unpack(self._read(header.size))
        return kind, self._read(size)

    def has_frame(self) -> bool:
        """Whether a frame has begun to arrive, or the end of all."""
        return bool(select.select([self._end], [], [], 0)[0])

    def close(self) -> None:
        self._end.close()

    def _read(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            part = self._end.recv(min(size, _longest_receive), socket.MSG_WAITALL)
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


class Doing(NamedTuple):
    """What clients are doing."""

    turn: int
    """A number that changes when they begin or finish something."""
    seconds: float
    """The time after which the host ends their process; 0 if no code of a client runs, or it has all the time it needs."""
    job: int
    """The id of the first job that runs, or ran last."""
    jobs: int
    """The number of jobs that run together."""


class Note:
    """What clients are doing, in memory that their process shares with the host. It can be read after the process has ended."""

    _layout = struct.Struct("<QdQQ")

    def __init__(self, file: int | None = None):
        """:param file: descriptor of the memory, as of `memory_file`; default: memory of this process"""
        self._memory = bytearray(mmap.PAGESIZE) if file is None else mmap.mmap(file, mmap.PAGESIZE)

    def begin(self, seconds: float, job: int = 0, jobs: int = 0) -> None:
        self._write(Doing(self.read().turn + 1, seconds, job, jobs))

    def end(self) -> None:
        """Clients have all the time they need. What ran last is still known: it may have done harm."""
        doing = self.read()
        self.begin(0, doing.job, doing.jobs)

    def read(self) -> Doing:
        return Doing(*self._layout.unpack_from(self._memory))

    def forget(self) -> None:
        """Shares the memory no longer, in a process that was forked."""
        self._memory = bytearray(mmap.PAGESIZE)

    def _write(self, doing: Doing) -> None:
        self._layout.pack_into(self._memory, 0, *doing)


def die_with_parent(parent: int) -> None:
    """Has the system kill this process when its parent ends, where it can (Linux): no code of this process may be able to run then."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
    except (ImportError, OSError, AttributeError, TypeError):
        return
    if os.getppid() != parent:
        os._exit(1)
