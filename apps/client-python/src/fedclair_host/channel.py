"""What a host and the process that runs its clients say to each other, and memory that they share."""

from __future__ import annotations

import ctypes
import mmap
import select
import socket
import struct
from typing import Any, NamedTuple

#: Kinds of frames to the process of clients. The first one says what to load.
SETUP, TRIAL, MESSAGE = b"S", b"T", b"M"
#: Kinds of frames to the host: the clients are loaded or cannot be, more of their files are loaded, a job has left threads, a job is answered.
LOADED, FAILED, FILES, THREADS, ANSWER = b"L", b"F", b"I", b"H", b"A"

#: Begins a frame: its kind, its size, and the key of the channel, without which it was written by a client.
header = struct.Struct("<cQ8s")
no_key = bytes(8)
#: Begins an answer: the id of its job.
answer_id = struct.Struct("<Q")

_ahead_bytes, _longest_receive = 1 << 16, 1 << 26


class Channel:
    """The end of the clients: frames that are sent and received while nothing else runs."""

    def __init__(self, end: socket.socket, key: bytes | None = no_key):
        """:param key: as of the other end; None takes over the key of the first frame that is received"""
        self._end = end
        self._key = key
        self._ahead = bytearray()
        """What has been received of the next frames."""

    def send(self, kind: bytes, *parts: bytes) -> None:
        self._end.sendall(b"".join([header.pack(kind, sum(map(len, parts)), self._key or no_key), *parts]))

    def receive(self) -> tuple[bytes, bytes]:
        """Waits for a frame.
        :returns: its kind and content
        :raises EOFError: if the host has closed its end
        :raises ChannelBroken: if somebody else has read from this end"""
        kind, size, key = header.unpack(self._read(header.size))
        if self._key is None:
            self._key = key
        if key != self._key:
            raise ChannelBroken
        return kind, self._read(size)

    def has_frame(self) -> bool:
        """Whether a frame has begun to arrive, or the end of all."""
        return bool(self._ahead or select.select([self._end], [], [], 0)[0])

    def close(self) -> None:
        self._end.close()

    def _read(self, size: int) -> bytes:
        while len(self._ahead) < size <= _ahead_bytes:  # small frames come together
            self._ahead += self._receive(_ahead_bytes)
        parts = [bytes(self._ahead[:size])]
        del self._ahead[:size]
        size -= len(parts[0])
        while size > 0:
            parts.append(self._receive(min(size, _longest_receive), socket.MSG_WAITALL))
            size -= len(parts[-1])
        return b"".join(parts)

    def _receive(self, size: int, flags: int = 0) -> bytes:
        part = self._end.recv(size, flags)
        if not part:
            raise EOFError
        return part


class ChannelBroken(Exception):
    """A client has read or written what its process and the host say to each other."""


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

    def __init__(self, memory: Any = None):
        """:param memory: a page that is shared, as by `map_page`; default: memory of this process"""
        self._memory = bytearray(mmap.PAGESIZE) if memory is None else memory

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


def map_page(file: int) -> Any:
    """Shares a page of a file without keeping a descriptor, as Python's mmap does: clients could write to it, or shorten the file."""
    map_memory = ctypes.CDLL(None).mmap
    map_memory.restype = ctypes.c_void_p
    map_memory.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    address = map_memory(None, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, file, 0)
    if address == ctypes.c_void_p(-1).value:
        raise MemoryError("no memory to share with the host")
    return (ctypes.c_char * mmap.PAGESIZE).from_address(address)
