"""The process of a host's clients, as the host sees it: started, watched, ended and started again."""

from __future__ import annotations

import codecs
import contextlib
import json
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Collection, Mapping

from . import ended
from .channel import FAILED, LOADED, SETUP, Channel, ChannelBroken, Doing, Note, no_key
from .errors import ClientsEnded, HostError
from .orphans import adopt_orphans, end_orphans, list_children
from .text import printable

#: The longest time between two looks at what the clients do, in seconds.
_longest_tick = 0.25
#: Time for an idle process to end by itself.
_farewell_seconds = 3.0
#: Time for a process that was killed to be gone.
_end_seconds = 5.0
_longest_line = 2000
#: The most characters of what clients print that are passed on, by process. A client in a loop could fill a disk.
_most_output = 1 << 20


@dataclass
class Loaded:
    """What a process of clients has told about them."""

    backend: str
    contaminations: Any
    versions: str


@dataclass(frozen=True)
class ClientSource:
    """Where clients come from: the options of ``fedclair-host``."""

    clients: str
    flower: bool = False
    initial: str | None = None
    device: str | None = None


@dataclass
class Watch:
    """Measures how long clients have been doing the same. Time in which this process does not run hardly counts."""

    note: Note
    _doing: Doing = field(default=Doing(0, 0, 0, 0))
    _waited: float = 0.0

    def next_tick(self) -> float:
        """Returns the seconds after which `is_overdue` is to be called."""
        seconds = self.note.read().seconds
        return min(_longest_tick, seconds / 8) if seconds > 0 else _longest_tick

    def is_overdue(self, tick: float) -> bool:
        """Whether clients have exceeded their time.
        :param tick: seconds since the last call"""
        doing = self.note.read()
        self._waited = self._waited + tick if doing == self._doing else 0.0
        self._doing = doing
        return doing.seconds > 0 and self._waited >= doing.seconds


class ClientProcess:
    """A process of clients. It leads a group of its own, which ends with it, so that no process that a client forks remains."""

    def __init__(self, source: ClientSource, files: Mapping[str, str], trains_alone: bool, ends_after: Collection[str]):
        """:param files: files that must have these hashes
        :param trains_alone: whether clients have ended a process while they trained together
        :param ends_after: clients after whose turn the process ends if they leave threads behind"""
        adopt_orphans()
        self.has_descendants = False
        """Whether processes that clients forked were there when it ended, any of which may have ended it."""
        self._others = list_children()
        self.end, theirs = socket.socketpair()
        read, write = os.pipe()
        with tempfile.TemporaryFile() as memory:
            memory.truncate(mmap.PAGESIZE)
            self.note = Note(mmap.mmap(memory.fileno(), mmap.PAGESIZE))
            passed = [theirs.fileno(), memory.fileno()]
            environment = {name: value for name, value in os.environ.items() if name not in ("FEDCLAIR_TOKEN", ended.variable)}
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "fedclair_host.worker", *map(str, passed), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=write,
                stderr=write,
                pass_fds=passed,
                start_new_session=True,
                env=environment,
            )
        theirs.close()
        os.close(write)
        self._output = threading.Thread(target=_pass_on, args=(read,), daemon=True)
        self._output.start()
        self.watch = Watch(self.note)
        setup = {
            "clients": source.clients,
            "flower": source.flower,
            "initial": source.initial,
            "device": source.device,
            "files": dict(files),
            "trainsAlone": trains_alone,
            "endsAfter": sorted(ends_after),
        }
        self.key = os.urandom(len(no_key))
        with contextlib.suppress(OSError):  # it has ended, which `load` tells
            Channel(self.end, self.key).send(SETUP, json.dumps(setup).encode())
        self._clients = source.clients

    def load(self) -> tuple[Loaded, dict[str, str]]:
        """Waits until the clients are loaded. :returns: what they declare, and the hashes of their files
        :raises HostError: if they cannot be loaded
        :raises ClientsEnded: if the process ends"""
        while not select.select([self.end], [], [], tick := self.watch.next_tick())[0]:
            if self.watch.is_overdue(tick):
                self.close()
                raise HostError(f"{self._clients}: creating the first client did not return within {self.note.read().seconds - 1:g} s")
        try:
            kind, data = Channel(self.end, self.key).receive()
        except ChannelBroken:
            self.close()
            raise HostError(f"{self._clients}: it wrote to files that it has not opened") from None
        except (EOFError, OSError):
            raise ClientsEnded(f"the process of the clients ended with {format_exit(self.close())} (loading {self._clients})") from None
        if kind == FAILED:
            self.close()
            raise HostError(data.decode(errors="replace"))
        if kind != LOADED:
            raise ClientsEnded(f"{self._clients}: the process of the clients speaks another language")
        told = json.loads(data)
        return Loaded(str(told["backend"]), told["contaminations"], str(told["versions"])), told["files"]

    def kill(self) -> None:
        """Ends the process and all that it has forked, whatever they do."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)

    def close(self) -> int | None:
        """Waits for the end of an idle process, and ends what goes on. :returns: its exit code, or minus its signal; None if it cannot be ended"""
        with contextlib.suppress(OSError):
            self.end.shutdown(socket.SHUT_WR)
        is_busy = self.note.read().seconds > 0  # nobody waits for a result any more
        self._await_end(0 if is_busy else _farewell_seconds)
        self.kill()
        self._await_end(_end_seconds)
        # The system has made this process their parent.
        self.has_descendants = bool(list_children() - self._others - {self._popen.pid})
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_end_seconds)
        end_orphans(self._others)
        self._output.join(1)
        with contextlib.suppress(OSError):
            self.end.close()
        return self._popen.returncode

    def _await_end(self, seconds: float) -> None:
        """Does not collect the process: until then its number is that of its group, and of nothing else."""
        until = time.monotonic() + seconds
        with contextlib.suppress(ChildProcessError):
            while os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None and time.monotonic() < until:
                time.sleep(0.005)


class ClientProcesses:
    """The processes of a host's clients, one after another."""

    def __init__(self, source: ClientSource):
        self.source = source
        self.trains_alone = False
        """Whether clients have ended a process while they trained together, so that nobody knows which of them did."""
        self.ends_after: set[str] = set()
        """Clients whose threads ran when a process ended in another client's turn."""
        self.files: dict[str, str] = {}
        """The hashes of the files that were loaded so far."""
        self._lock = threading.Lock()
        self._is_closed = False
        self.present = self._start()

    def load(self) -> Loaded:
        """Waits until the clients are loaded. :raises HostError, ClientsEnded: as `ClientProcess.load`"""
        loaded, files = self.present.load()
        self.files.update(files)
        return loaded

    def restart(self) -> None:
        """Starts another process, after the present one has ended, and loads the clients. :raises HostError: if their files have changed"""
        with self._lock:
            if self._is_closed:
                return
            self.present = self._start()
        self.load()

    def close(self) -> None:
        """Ends the present process and starts no other."""
        with self._lock:
            self._is_closed = True
        self.present.close()

    def _start(self) -> ClientProcess:
        return ClientProcess(self.source, self.files, self.trains_alone, self.ends_after)


def format_exit(code: int | None) -> str:
    """Names how a process has ended: by its exit code or its signal."""
    if code is None:
        return "no code: it cannot be ended"
    try:
        return str(code) if code >= 0 else signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _pass_on(read: int) -> None:
    """Prints what clients print, without characters that control a terminal, on stderr: stdout is for results."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest, left = "", _most_output
    while True:
        data = os.read(read, 1 << 16)
        *lines, rest = (rest + decoder.decode(data, final=not data)).replace("\r", "\n").split("\n")
        while len(rest) > _longest_line:
            lines.append(rest[:_longest_line])
            rest = rest[_longest_line:]
        if not data and rest:
            lines.append(rest)
        shown = "".join(f"{clean_line(line)}\n" for line in lines if line and left >= 0)
        if shown:
            cut = f"{shown[:left]}…\nclients have printed {_most_output} characters; more is not shown\n"
            sys.stderr.write(shown if len(shown) <= left else cut)
            sys.stderr.flush()
            left -= len(shown)
        if not data:
            os.close(read)
            return


def clean_line(line: str) -> str:
    """Escapes all characters that are not printable, apart from tabs, and cuts the line."""
    return "\t".join(printable(part, _longest_line) for part in line[:_longest_line].split("\t"))
