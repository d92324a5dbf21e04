"""Hands jobs over to the process or the thread of the clients, and its answers to the coordinator."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
from collections import deque
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Mapping

from .channel import ANSWER, FAILED, FILES, MESSAGE, THREADS, TRIAL, answer_id, header, no_key
from .client_process import ClientProcess, ClientProcesses, format_exit
from .messages import CoordinatorMessage, Shape, WireError, check_job, check_params, encode_failure, kinds
from .ended import EndedClients, variable
from .errors import ClientsEnded
from .frames import Frames
from .peer import Peer, small_bytes
from .text import printable
from .time_limit import client_seconds

log = logging.getLogger("fedclair-host")

#: Answers are as large as the params, so not many of them may wait to be sent.
most_bytes = 1 << 26

#: Small answers wait this long for others, to be sent together: to send one by one takes as long as a quick job.
collect_seconds = 0.01

#: Signals by which somebody else, as the system when it is out of memory, may have ended a process: its client has another try.
_outside = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP} if hasattr(signal, "SIGKILL") else set()

#: More than a coordinator has a host keep: it has 32 jobs at once, of which few have large bases of their own, and 32 MiB of bases
#: that no job waits for.
_most_jobs, _most_bases, _idle_base_bytes = 64, 4, 1 << 26

#: Bytes of a base beside its numbers: a coordinator may send very many small ones.
_base_overhead = 1 << 10

#: How often a process may end without a client that did it.
_most_unexplained = 3


@dataclass(frozen=True)
class _Base:
    """The params that jobs begin with, as they came."""

    id: int
    data: bytes


@dataclass
class OpenJob:
    """A job of the coordinator that is not answered."""

    id: int
    client_id: str
    what: str
    round: int
    data: bytes
    base: _Base
    peer: Peer
    is_wanted: bool = True


class Dispatcher:
    """All jobs of a host. Its methods run in the event loop of the connection."""

    def __init__(self, deliver: Callable[[OpenJob, bytes], Awaitable[None]]):
        """:param deliver: sends the answer to a job"""
        self._deliver = deliver
        self._trial: Mapping[str, Any] = {}
        self._trial_json = ""
        self._most_base_bytes = 0
        self._bases: dict[int, _Base] = {}
        self._shapes: dict[int, dict[str, Shape]] = {}
        self._open: dict[int, OpenJob] = {}
        self._unwanted: deque[OpenJob] = deque(maxlen=64)
        self._transport: asyncio.Transport | None = None
        self._unsent = 0
        self._finished: list[tuple[OpenJob, bytes]] = []
        self._collecting: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = EndedClients(os.environ.get(variable))
        self._tried: set[str] = set()
        self._named: set[str] = set()
        self._last_answered: OpenJob | None = None
        self._suspects: set[str] = set()
        self._with_threads: dict[str, None] = {}
        self._is_read_by_clients = False
        self._key = no_key
        self._unsent_frames: list[bytes] = []
        self._on_files: Callable[[dict[str, str]], None] = lambda files: None

    # ---- from the coordinator

    def begin_trial(self, trial_json: str, trial: Mapping[str, Any], max_message_bytes: int) -> None:
        self._trial_json, self._trial = trial_json, trial
        self._most_base_bytes = _most_bases * max_message_bytes + _idle_base_bytes
        self._send(TRIAL, trial_json.encode())

    def receive(self, message: Any, data: bytes, peer: Peer) -> None:
        """Handles a message about jobs. :raises WireError: if it is malformed"""
        body = message.WhichOneof("body")
        if body == "base":
            held = sum(len(base.data) + _base_overhead for base in self._bases.values())
            if held + len(data) > self._most_base_bytes:
                raise WireError("OVERSIZE", f"bases of {held + len(data)} bytes: at most {self._most_base_bytes} are kept")
            self._shapes[message.base.id] = check_params(message.base.params)
            self._bases[message.base.id] = _Base(message.base.id, data)
        elif body == "forget_base":
            self._bases.pop(message.forget_base.id, None)
            self._shapes.pop(message.forget_base.id, None)
        elif body == "client_job":
            self._open_job(message.client_job, data, peer)
            return
        else:
            ended = self._open.pop(message.job_end.id, None)
            if ended is not None:
                self._drop(ended)
        self._send(MESSAGE, data)

    def drop_all(self) -> None:
        """Forgets all jobs and bases, because the connection broke."""
        for job in self._open.values():
            self._drop(job)
            self._send(MESSAGE, CoordinatorMessage(job_end={"id": job.id}).SerializeToString())
        self._open.clear()
        for base in self._bases.values():
            self._send(MESSAGE, CoordinatorMessage(forget_base={"id": base.id}).SerializeToString())
        self._bases.clear()
        self._shapes.clear()

    def _drop(self, job: OpenJob) -> None:
        job.is_wanted = False
        self._unwanted.append(job)

    def _open_job(self, sent: Any, data: bytes, peer: Peer) -> None:
        check_job(sent, self._shapes)
        if len(self._open) >= _most_jobs:
            raise WireError("OVERSIZE", f"more than {_most_jobs} jobs that are not answered")
        what = f"{kinds[sent.kind]} of {sent.client_id} in round {sent.round}"
        opened = OpenJob(sent.id, sent.client_id, what, sent.round, data, self._bases[sent.base_id], peer)
        self._open[opened.id] = opened
        ended = self._ended.find(sent.client_id)
        if ended is not None:
            self._fail(opened, "CLIENT_ERROR", f"not run again: {ended}")
        else:
            self._send(MESSAGE, data)

    # ---- to and from the clients

    async def serve(self, processes: ClientProcesses) -> None:
        """Has jobs run in a process, and starts another one whenever it ends.
        :raises ClientsEnded: if it ends again and again, without a client that does it
        :raises HostError: if the clients cannot be loaded again"""
        unexplained = 0
        while True:
            process = processes.present
            self._with_threads = {}
            self._on_files = processes.files.update
            watching = asyncio.ensure_future(self._watch(process))
            try:
                broken = await self.talk(process.end, process.key)
            finally:
                watching.cancel()
            is_overdue = watching.done() and not watching.cancelled()
            code = await asyncio.get_running_loop().run_in_executor(None, process.close)
            is_explained = self._explain_broken(processes) if broken else self._explain(processes, code, is_overdue)
            unexplained = 0 if is_explained else unexplained + 1
            if unexplained > _most_unexplained:
                raise ClientsEnded(f"the process of the clients ended with {format_exit(code)}, {unexplained} times")
            await asyncio.get_running_loop().run_in_executor(None, processes.restart)

    async def talk(self, end: socket.socket, key: bytes = no_key) -> bool:
        """Sends everything that is not answered, and delivers answers until the other end closes.
        :returns: whether somebody else has read from that end or written to it"""
        self._key, self._is_read_by_clients, self._unsent_frames = key, False, []
        transport, frames = await asyncio.get_running_loop().create_connection(lambda: Frames(self._receive_frame, key), sock=end)
        self._transport = transport
        try:
            self._send_all()
            return await frames.are_foreign or self._is_read_by_clients
        finally:
            self._transport = None
            transport.close()

    def _receive_frame(self, kind: bytes, data: bytes) -> None:
        if kind == ANSWER:
            self._answer(answer_id.unpack_from(data)[0], data[answer_id.size :])
        elif kind == FILES:
            self._on_files(json.loads(data))
        elif kind == THREADS:
            self._add_threads(**json.loads(data))
        elif kind == FAILED:
            self._is_read_by_clients = True

    def _add_threads(self, jobs: list[int], threads: list[str]) -> None:
        """Names clients whose threads have outlived their turn."""
        known = self._list_known()
        clients = [known[job].client_id for job in jobs if job in known]
        new = [client for client in clients if client not in self._named]
        self._with_threads.update(dict.fromkeys(clients))
        self._named.update(new)
        if new:
            names = printable(", ".join(threads), 200)
            log.warning("%s: left threads running (%s), which may disturb other clients; end them before train returns", _list_clients(new), names)

    async def _watch(self, process: ClientProcess) -> None:
        """Ends a process whose client does not return in time."""
        while True:
            tick = process.watch.next_tick()
            await asyncio.sleep(tick)
            if process.watch.is_overdue(tick):
                process.kill()
                return

    def _explain(self, processes: ClientProcesses, code: int | None, is_overdue: bool) -> bool:
        """Fails the client that has ended its process. :returns: whether one has, or several that trained together"""
        doing = processes.present.note.read()
        how = "did not return" if is_overdue else f"ended with {format_exit(code)}"
        is_running = doing.seconds > 0 or doing.job in self._open
        if doing.jobs > 1 and is_running:
            processes.trains_alone = True
            log.warning("a process of %s clients that trained together %s; from now on each trains alone", doing.jobs, how)
            return True
        culprit = self._list_known().get(doing.job) if doing.jobs == 1 and is_running else None
        if culprit is None and code == 0 and processes.ends_after.intersection(self._with_threads):
            return True  # as it was told to
        if self._suspect_threads(processes, how, culprit):
            return True
        if culprit is None:
            log.warning("the process of the clients %s; it is started again", how)
            return False
        may_be_another = processes.present.has_descendants or (code is not None and -code in _outside and not is_overdue)
        if may_be_another and culprit.client_id not in self._tried:
            self._tried.add(culprit.client_id)
            log.warning("the process of the clients %s (%s); the client has another try", how, culprit.what)
            return True
        if is_overdue:
            text = f"{culprit.what} did not return within {client_seconds(self._trial):g} s (limits.clientSeconds)"
            self._fail(culprit, "CLIENT_HUNG", text)
            return True
        self._fail_for_good(culprit, f"it ended its process with {format_exit(code)} ({culprit.what})")
        return True

    def _suspect_threads(self, processes: ClientProcesses, how: str, culprit: OpenJob | None) -> bool:
        """Has the threads of other clients end with the turn of these, if a process ended while there were any. Whoever had the turn has
        another try, without them. :returns: whether there were any"""
        others = [client for client in self._with_threads if culprit is None or client != culprit.client_id]
        if not others or processes.ends_after.issuperset(others):
            return False
        processes.ends_after.update(others)
        what = "" if culprit is None else f" ({culprit.what}, which has another try)"
        log.warning("the process of the clients %s%s while threads of %s ran; these end with its turn from now on", how, what, _list_clients(others))
        return True

    def _list_known(self) -> Mapping[int, OpenJob]:
        return {job.id: job for job in [*self._unwanted, *self._open.values()]}

    def _explain_broken(self, processes: ClientProcesses) -> bool:
        """Fails the client that has read or written what its process and this one say to each other. Jobs are answered in order, so it
        is the first that is not answered, or the last that is. It has another try, alone. :returns: whether there is one"""
        culprit = self._last_answered if self._is_read_by_clients else next(iter(self._open.values()), None)
        if self._suspect_threads(processes, "lost its channel", culprit):
            return True
        if culprit is None:
            return False
        text = f"it {'reads' if self._is_read_by_clients else 'writes to'} files that it has not opened ({culprit.what})"
        if processes.trains_alone and culprit.client_id in self._suspects:
            self._fail_for_good(culprit, text)
        else:
            processes.trains_alone = True
            self._suspects.add(culprit.client_id)
            log.warning("clients broke the channel to their process (%s); the client has another try, alone", culprit.what)
        return True

    def _fail_for_good(self, culprit: OpenJob, text: str) -> None:
        self._ended.add(culprit.client_id, text)
        for job in [culprit, *(job for job in self._open.values() if job.client_id == culprit.client_id and job is not culprit)]:
            self._fail(job, "CLIENT_ERROR", text)

    def _fail(self, job: OpenJob, code: str, text: str) -> None:
        log.warning("%s, round %s: %s: %s", job.client_id, job.round, code, printable(text, 500))
        if self._open.pop(job.id, None) is not None:
            self._post(job, encode_failure(job.id, job.client_id, code, text))

    def _answer(self, job_id: int, message: bytes) -> None:
        job = self._open.pop(job_id, None)
        if job is None:
            return  # nobody waits for it any more
        self._last_answered = job
        self._tried.discard(job.client_id)
        self._post(job, message)

    def _post(self, job: OpenJob, message: bytes) -> None:
        """Sends an answer. A small one may wait for others while there are jobs."""
        self._unsent += len(message)
        if self._unsent > most_bytes and self._transport is not None:
            self._transport.pause_reading()
        self._finished.append((job, message))
        if len(message) > small_bytes or not self._open:
            self._post_finished()
        elif self._collecting is None:
            self._collecting = asyncio.get_running_loop().call_later(collect_seconds, self._post_finished)

    def _post_finished(self) -> None:
        if self._collecting is not None:
            self._collecting.cancel()
            self._collecting = None
        finished, self._finished = self._finished, []
        for job, message in finished:
            task = asyncio.ensure_future(self._post_one(job, message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _post_one(self, job: OpenJob, message: bytes) -> None:
        try:
            await self._deliver(job, message)
        finally:
            self._unsent -= len(message)
            if self._unsent <= most_bytes and self._transport is not None:
                self._transport.resume_reading()

    def _send_all(self) -> None:
        """Tells a new process what the one before it knew, and has it run all open jobs."""
        if self._trial_json:
            self._send(TRIAL, self._trial_json.encode())
        sent: dict[int, _Base] = {}
        for job in self._open.values():
            self._send_base(job.base, sent)
            self._send(MESSAGE, job.data)
        for base in self._bases.values():
            self._send_base(base, sent)
        for base_id in sent.keys() - self._bases.keys():
            self._send(MESSAGE, CoordinatorMessage(forget_base={"id": base_id}).SerializeToString())

    def _send_base(self, base: _Base, sent: dict[int, _Base]) -> None:
        if sent.get(base.id) is not base:
            sent[base.id] = base
            self._send(MESSAGE, base.data)

    def _send(self, kind: bytes, data: bytes) -> None:
        """Sends a frame, if clients are there; others get it from `_send_all`. Frames of one turn of the event loop go together: to
        wake a process takes longer than to send."""
        if self._transport is None:
            return
        if not self._unsent_frames:
            asyncio.get_running_loop().call_soon(self._send_frames)
        self._unsent_frames += header.pack(kind, len(data), self._key), data

    def _send_frames(self) -> None:
        frames, self._unsent_frames = self._unsent_frames, []
        if self._transport is not None:
            self._transport.writelines(frames)


def _list_clients(clients: list[str]) -> str:
    return printable(", ".join(clients), 200)
