"""A client host: joins a coordinator, runs the jobs that it sends, and reconnects when the connection breaks.

The connection has its own thread, so that heartbeats are answered while a client trains. Jobs run one after another in the main
thread, where a client that exceeds its time limit can be interrupted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import queue
import secrets
import signal
import ssl
import threading
import time
import traceback
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Sequence, Union

import socketio
from socketio.exceptions import ConnectionError as NoConnection, SocketIOError

from .client import Array, Client, Job, Params
from .codec import CoordinatorMessage, HostMessage, WireError, read_code, decode, encode_failure, to_job, to_params, run_client, encode_update, train_cohort
from .notes import Notes
from .outbox import Outbox
from .peer import Peer
from .text import printable
from .tls import no_connection, tls_context, tls_fault
from .versions import loaded_versions

log = logging.getLogger("fedclair-host")

protocol_version = 2
software_version = "0.1.0"
longest_frame = 65 << 20  # more than `limits.chunkBytes` of a trial allows


class HostError(Exception):
    """The host cannot continue because of an error that its operator can fix. The exit code is 2."""


class _TimeLimitExceeded(BaseException):
    """Raised in a client that exceeds its time limit. Not an Exception, so that `except Exception` in the client does not swallow it."""


@dataclass(frozen=True)
class Ending:
    reason: str
    exit_code: int


@dataclass
class _Work:
    """A job that was sent to this host."""

    id: int
    kind: str
    job: Job
    params: Params
    peer: Peer
    is_wanted: bool = True


_Item = Union[_Work, Ending, BaseException]


class Host:
    """Joins a coordinator with room for some virtual clients."""

    def __init__(
        self,
        make_client: Callable[[int], Client],
        url: str,
        capacity: int,
        *,
        token: str = "",
        tls: ssl.SSLContext | None = None,
        backend: str = "python-numpy",
        contaminations: Sequence[str] = (),
        patience_seconds: float = 60.0,
        notes: Notes | None = None,
    ):
        """:param make_client: creates a client from its index, 0 … client_count - 1; called for every job
        :param capacity: maximum number of clients on this host
        :param tls: from `tls_context`, for https; default: the system's authorities and no client certificate
        :param backend: name of what the clients compute with; all hosts of a trial must use the same name
        :param contaminations: attacks on data that the clients carry out, as `Client.contaminations`
        :param patience_seconds: time without a coordinator after which the host gives up
        :param notes: tells other hosts of this machine which client ended this one; default: nobody is told"""
        if isinstance(contaminations, str):
            raise HostError(f"contaminations: expected a tuple of names, as ({contaminations!r},), got the text {contaminations!r}")
        self._make_client = make_client
        self._url = url
        self._tls = tls or tls_context()
        self._backend = backend
        self._join = {
            "protocol_version": protocol_version,
            "token": token,
            "capacity": capacity,
            "backends": [backend],
            "software_version": f"python-{software_version}",
            "external": True,
            "contaminations": list(contaminations),
            "instance": secrets.token_hex(8),
        }
        self._patience = patience_seconds
        self._queue: queue.Queue[_Item] = queue.Queue()
        self._wanted: dict[int, _Work] = {}
        self._bases: dict[int, dict[str, Array]] = {}
        self._trial_json: str | None = None
        self._trial: Mapping[str, Any] = {}
        self._loop = asyncio.new_event_loop()
        self._is_over = asyncio.Event()
        self._has_logged_traceback = False
        self._has_logged_cohort = False
        self._has_ended = False
        self._cohort = 1
        self._trains_alone = False
        self._held_back: deque[_Item] = deque()
        self._large = asyncio.Lock()
        self._outbox: Outbox[_Work] = Outbox(self._loop, self._deliver)
        self._progress = _Progress()
        self._notes = notes or Notes()

    def run(self) -> Ending:
        """Runs jobs until the trial is over. :raises HostError: if the host is rejected or finds no coordinator"""
        thread = threading.Thread(target=self._loop.run_until_complete, args=(self._connection(),), daemon=True)
        thread.start()
        try:
            return self._work()
        finally:
            self._loop.call_soon_threadsafe(self._is_over.set)
            thread.join(5)

    def stop(self) -> None:
        """Ends `run` from another thread, after the present job."""
        self._queue.put(Ending("stopped", 130))

    # ---- the main thread -------------------------------------------------------------------------------------------

    def _work(self) -> Ending:
        while True:
            item = self._held_back.popleft() if self._held_back else self._queue.get()
            if not isinstance(item, _Work):
                self._outbox.hand_over()
                if isinstance(item, Ending):
                    return item
                raise item
            if not item.is_wanted:
                continue
            works = self._group(item)
            for work, message in zip(works, self._answer_all(works)):
                self._progress.count(work.job)
                if work.is_wanted:  # the trial goes on, and the connection did not break
                    self._outbox.put(work, message, more_follow=work is not works[-1] or self._has_more())

    def _has_more(self) -> bool:
        return bool(self._held_back) or not self._queue.empty()

    def _group(self, first: _Work) -> list[_Work]:
        """Returns a job with those that wait behind it and may run together with it."""
        works = [first]
        while first.kind == "train" and not self._trains_alone and not self._notes.is_unclear and len(works) < self._cohort:
            try:
                item = self._held_back.popleft() if self._held_back else self._queue.get_nowait()
            except queue.Empty:
                break
            if not isinstance(item, _Work) or _stage(item) != _stage(first):
                self._held_back.appendleft(item)
                break
            if item.is_wanted:
                works.append(item)
        return works

    def _answer_all(self, works: list[_Work]) -> Iterator[bytes]:
        """Runs jobs, together if there are several, and yields the message that answers each of them."""
        answers = self._answer_together(works) if len(works) > 1 else None
        yield from (self._answer(work) for work in works) if answers is None else answers

    def _answer_together(self, works: list[_Work]) -> list[bytes] | None:
        """Returns None if the clients cannot be trained together, so that one by one only the faulty ones fail."""
        if any(self._notes.ended_by(work.job.client_id) for work in works):
            return None
        seconds = float(self._trial.get("limits", {}).get("clientSeconds", 30))
        try:
            with _TimeLimit(seconds * len(works)), self._noted(works):
                started = time.monotonic()
                clients = [self._make_client(work.job.client_index) for work in works]
                updates = train_cohort(clients, [work.params for work in works], [work.job for work in works])
                spent = (time.monotonic() - started) / len(works)
                return [encode_update(work.id, work.job.client_id, update, spent) for work, update in zip(works, updates)]
        except KeyboardInterrupt:
            raise
        except _TimeLimitExceeded:
            self._trains_alone = True  # the same would happen again
            text = f"no result after {seconds * len(works):g} s, for {len(works)} clients together (limits.clientSeconds)"
            log.warning("round %s: %s; from now on each trains alone", works[0].job.round, text)
            return None
        except BaseException:
            if not self._has_logged_cohort:
                self._has_logged_cohort = True
                log.warning("clients cannot be trained together, so each trains alone:\n%s", traceback.format_exc())
            return None

    def _answer(self, work: _Work) -> bytes:
        """Runs a job and returns the message that answers it. Any error of the client is reported as its failure and does not end the host."""
        job, seconds = work.job, float(self._trial.get("limits", {}).get("clientSeconds", 30))
        ended = self._notes.ended_by(job.client_id)
        if ended is not None:
            return encode_failure(work.id, job.client_id, "CLIENT_ERROR", f"not run again: {ended}")
        try:
            with _TimeLimit(seconds), self._noted([work]):
                started = time.monotonic()
                client = self._make_client(job.client_index)
                self._cohort = client.cohort if isinstance(client, Client) else 1
                update = run_client(work.kind, client, work.params, job)
                return encode_update(work.id, job.client_id, update, time.monotonic() - started)
        except (_TimeLimitExceeded, KeyboardInterrupt, WireError, NotImplementedError) as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            if isinstance(error, _TimeLimitExceeded):
                code, text = "CLIENT_TIMEOUT", f"no result after {seconds:g} s (limits.clientSeconds)"
            else:
                code, text = getattr(error, "code", "CLIENT_ERROR"), str(error)
                if isinstance(error, NotImplementedError) and work.kind == "evaluate":
                    code = "NO_EVALUATION"
        except BaseException as error:  # including SystemExit, because a client must not end its host
            code, text = "CLIENT_ERROR", f"{type(error).__name__}: {error}"
            if not self._has_logged_traceback:
                self._has_logged_traceback = True
                log.warning("first error of a client:\n%s", traceback.format_exc())
        if code != "NO_EVALUATION":
            log.warning("%s, round %s: %s: %s", job.client_id, job.round, code, printable(text, 500))
        return encode_failure(work.id, job.client_id, code, text)

    def _noted(self, works: list[_Work]) -> contextlib.AbstractContextManager[None]:
        clients = [work.job.client_id for work in works]
        return self._notes.of(f"{works[0].kind} of {', '.join(clients)} in round {works[0].job.round}", clients)

    # ---- the connection's thread -----------------------------------------------------------------------------------

    async def _deliver(self, work: _Work, message: bytes) -> None:
        # Few results of several frames fit into the coordinator's memory at a time.
        turn = self._large if work.peer.takes_frames(message) else contextlib.nullcontext()
        try:
            async with turn:
                reply = await work.peer.send(message, lambda: work.is_wanted)
            if reply.WhichOneof("body") == "failure":
                self._log_refusal(work, read_code(reply.failure), reply.failure.message)
        except WireError as error:
            if error.code == "OVERSIZE":
                self._log_refusal(work, error.code, str(error))
                await self._deliver(work, encode_failure(work.id, work.job.client_id, error.code, str(error)))
        finally:
            self._wanted.pop(work.id, None)

    def _log_refusal(self, work: _Work, code: str, text: str) -> None:
        log.warning("the coordinator refused %s: %s: %s", work.job.client_id, code, printable(text, 500))

    async def _connection(self) -> None:
        over = asyncio.ensure_future(self._is_over.wait())
        dialling = asyncio.ensure_future(self._keep_connected())
        done, _ = await asyncio.wait([over, dialling], return_when=asyncio.FIRST_COMPLETED)
        error = dialling.exception() if dialling in done else None
        if error is not None:
            self._queue.put(error)
        dialling.cancel()
        over.cancel()
        await asyncio.gather(dialling, over, return_exceptions=True)

    async def _keep_connected(self) -> None:
        wait, last_seen, last_error = 0.25, time.monotonic(), ""
        while True:
            try:
                await self._until_disconnected()
                if self._has_ended:
                    return
                last_seen, last_error, wait = time.monotonic(), "the connection broke", 0.25
                log.warning("the connection to %s broke; joining again", self._url)
            except NoConnection as error:
                fault = tls_fault(error)
                if fault is not None:
                    raise HostError(f"{self._url}: {fault}") from None
                why = no_connection(error, self._url)
                if last_error == "":
                    log.warning("no coordinator at %s: %s; still trying", self._url, why)
                last_error = why
            if time.monotonic() + wait - last_seen > self._patience:
                raise HostError(f"no coordinator at {self._url} for {self._patience:g} s ({last_error}): start it, or correct the address")
            await asyncio.sleep(wait)
            wait = min(2 * wait, 5.0)

    async def _until_disconnected(self) -> None:
        """Joins over one connection and receives jobs until it breaks. :raises HostError: if the host is rejected"""
        socket = socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,
            websocket_extra_options={"max_msg_size": longest_frame, "ssl": self._tls},
        )
        gone = asyncio.Event()

        async def emit(event: str, data: bytes, answered: Callable[..., None]) -> None:
            try:
                await socket.emit(event, data, callback=answered)
            except SocketIOError as error:
                raise WireError("HOST_LOST", str(error)) from None

        peer = Peer(emit, lambda message: self._handle(message, peer))

        async def on_event(event: str, *args: Any) -> bytes:
            return peer.receive(event, args)

        def on_disconnect(*_: Any) -> None:
            peer.lose()
            gone.set()

        socket.on("*", on_event)
        socket.on("disconnect", on_disconnect)
        try:
            await socket.connect(self._url, transports=["websocket"], wait_timeout=10)
            await self._join_trial(peer)
            await gone.wait()
        except WireError as error:
            if error.code != "HOST_LOST":
                raise HostError(f"{self._url}: {error.code}: {printable(str(error), 500)}") from None
        finally:
            peer.lose()
            self._drop_jobs()  # the coordinator counts them as lost
            self._bases.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(socket.disconnect(), 5)

    def _drop_jobs(self) -> None:
        for work in self._wanted.values():
            work.is_wanted = False
        self._wanted.clear()

    async def _join_trial(self, peer: Peer) -> None:
        reply = await peer.send(HostMessage(join=self._join).SerializeToString())
        body = reply.WhichOneof("body")
        if body == "failure":
            code, text = read_code(reply.failure), printable(reply.failure.message, 500)
            if code == "TRIAL_ENDED":
                self._queue.put(Ending(text, 0))
                return
            raise HostError(f"{self._url}: {code}: {text}")
        if body != "welcome":
            raise HostError(f"{self._url} is no coordinator")
        welcome = reply.welcome
        peer.agree(welcome.chunk_bytes, welcome.max_message_bytes)
        if self._trial_json not in (None, welcome.trial_json):
            raise HostError(f"the coordinator at {self._url} now runs another trial: restart this host")
        self._trial_json = welcome.trial_json
        self._trial = json.loads(welcome.trial_json)
        task = self._trial.get("task", {}).get("name")
        if task != "external" and not self._trial.get("external"):
            raise HostError(
                f"all clients of the trial are simulated, by its task {printable(str(task), 80)}: `fedclair client` is their host; "
                "this host is for trials whose task is external, or that list clients under external"
            )
        await peer.send(HostMessage(ready={}).SerializeToString())
        versions = loaded_versions()
        log.info("joined %s with room for %s clients (%s; %s)", self._url, self._join["capacity"], self._backend, versions)

    def _handle(self, data: bytes, peer: Peer) -> None:
        """Handles a message from the coordinator. :raises WireError: if it is malformed"""
        message = decode(CoordinatorMessage, data)
        body = message.WhichOneof("body")
        if body == "base":
            self._bases[message.base.id] = to_params(message.base.params)
        elif body == "forget_base":
            self._bases.pop(message.forget_base.id, None)
        elif body == "client_job":
            kind, job, params = to_job(message.client_job, self._bases, self._trial)
            work = _Work(message.client_job.id, kind, job, params, peer)
            self._wanted[work.id] = work
            self._queue.put(work)
            self._outbox.watch(lambda: bool(self._wanted))
        elif body == "job_end":
            ended = self._wanted.pop(message.job_end.id, None)
            if ended is not None:
                ended.is_wanted = False
        else:
            end = message.trial_end
            self._has_ended = True
            self._drop_jobs()
            # Its own thread closes the connection, after the reply has been sent.
            reason = "\n".join(printable(line, 1024) for line in end.reason[:8192].split("\n"))
            self._queue.put(Ending(reason, end.exit_code))


def _stage(work: _Work) -> tuple[str, int, str]:
    return work.kind, work.job.round, work.job.phase


class _Progress:
    """Logs what this host has done, at most every `_PROGRESS_SECONDS`."""

    def __init__(self) -> None:
        self._jobs = 0
        self._since = time.monotonic()

    def count(self, job: Job) -> None:
        self._jobs += 1
        seconds = time.monotonic() - self._since
        if seconds < _PROGRESS_SECONDS:
            return
        log.info("round %s: %s jobs in %.0f s", job.round, self._jobs, seconds)
        self._jobs, self._since = 0, time.monotonic()


#: Quick trials need no progress, and slow ones should not fill the log.
_PROGRESS_SECONDS = 30.0


class _TimeLimit:
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
            raise _TimeLimitExceeded  # native code is not interrupted, and a client may have swallowed the exception

    @staticmethod
    def _ring(*_: object) -> None:
        raise _TimeLimitExceeded
