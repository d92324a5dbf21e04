"""Runs the jobs of clients, one group after another: in a process of its own, or in a thread of the host."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import time
import traceback
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Collection, Iterator, Mapping

from .channel import ANSWER, FILES, MESSAGE, THREADS, TRIAL, Channel, Note, answer_id
from .client import Array, Client, Job, Params
from .codec import encode_update, run_client, to_job, to_params, train_cohort
from .device import peak_memory
from .leftovers import Leftovers
from .messages import CoordinatorMessage, WireError, decode, encode_failure
from .module_files import ModuleFiles
from .text import printable
from .time_limit import TimeLimit, TimeLimitExceeded, client_seconds, grace_seconds

log = logging.getLogger("fedclair-host")


@dataclass(frozen=True)
class _Work:
    """A job that is to be answered."""

    id: int
    kind: str
    job: Job
    params: Params


class ClientRunner:
    """Answers the jobs that come through a channel."""

    def __init__(
        self,
        channel: Channel,
        make_client: Callable[[int], Client],
        *,
        note: Note | None = None,
        files: ModuleFiles | None = None,
        trains_alone: bool = False,
        ends_after: Collection[str] = (),
    ):
        """:param make_client: creates a client from its index, 0 … client_count - 1; called for every job
        :param note: tells the host what runs; default: this is a thread of the host
        :param files: tells the host which files are loaded
        :param trains_alone: whether clients have ended a process while they trained together
        :param ends_after: clients after whose turn this process ends if they leave threads behind"""
        self._channel = channel
        self._make_client = make_client
        self._is_thread = note is None
        self._note = note or Note()
        self._files = files
        self._trains_alone = trains_alone
        self._ends_after = ends_after
        self._leftovers = None if note is None else Leftovers()
        self._has_leftovers = False
        self._process = os.getpid()
        self._trial: Mapping[str, Any] = {}
        self._bases: dict[int, dict[str, Array]] = {}
        self._waiting: deque[_Work] = deque()
        self._cohort = 1
        self._has_logged_traceback = False
        self._last_error: tuple[int, str] | None = None
        self._has_logged_cohort = False
        self._progress = _Progress()

    def serve(self) -> None:
        """Runs jobs until the host closes its end."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                self._receive_all()
                works = self._group()
                for work, message in zip(works, self._answer_all(works)):
                    self._progress.count(work.job)
                    self._send(work, message)
                if self._has_leftovers and any(work.job.client_id in self._ends_after for work in works):
                    _end_process()

    def _receive_all(self) -> None:
        """Receives what has arrived, and waits if there is no job."""
        while not self._waiting or self._channel.has_frame():
            kind, data = self._channel.receive()
            if kind == TRIAL:
                self._trial = json.loads(data)
            elif kind == MESSAGE:
                self._receive(decode(CoordinatorMessage, data))

    def _receive(self, message: Any) -> None:
        body = message.WhichOneof("body")
        if body == "base":
            self._bases[message.base.id] = to_params(message.base.params)
        elif body == "forget_base":
            self._bases.pop(message.forget_base.id, None)
        elif body == "client_job":
            self._waiting.append(_Work(message.client_job.id, *to_job(message.client_job, self._bases, self._trial)))
        elif body == "job_end":
            self._waiting = deque(work for work in self._waiting if work.id != message.job_end.id)

    def _send(self, work: _Work, message: bytes) -> None:
        self._channel.send(ANSWER, answer_id.pack(work.id), message)
        if self._files is not None and (loaded := self._files.find_new()):
            self._channel.send(FILES, json.dumps(loaded).encode())

    def _group(self) -> list[_Work]:
        """Takes a job, with those that wait behind it and may run together with it."""
        first = self._waiting.popleft()
        works = [first]
        while first.kind == "train" and not self._trains_alone and len(works) < self._cohort:
            if not self._waiting or _stage(self._waiting[0]) != _stage(first):
                break
            works.append(self._waiting.popleft())
        return works

    def _answer_all(self, works: list[_Work]) -> Iterator[bytes]:
        """Runs jobs, together if there are several, and yields the message that answers each of them."""
        answers = self._answer_together(works) if len(works) > 1 else None
        yield from (self._answer(work) for work in works) if answers is None else answers

    def _answer_together(self, works: list[_Work]) -> list[bytes] | None:
        """Returns None if the clients cannot be trained together, so that one by one only the faulty ones fail."""
        seconds = client_seconds(self._trial)
        try:
            with TimeLimit(seconds * len(works)), self._noted(works):
                started = time.monotonic()
                clients = [self._make_client(work.job.client_index) for work in works]
                updates = train_cohort(clients, [work.params for work in works], [work.job for work in works])
                spent = (time.monotonic() - started) / len(works)
                return [encode_update(work.id, work.job.client_id, update, spent, peak_memory()) for work, update in zip(works, updates)]
        except TimeLimitExceeded:
            self._trains_alone = True  # the same would happen again
            text = f"no result after {seconds * len(works):g} s, for {len(works)} clients together (limits.clientSeconds)"
            log.warning("round %s: %s; from now on each trains alone", works[0].job.round, text)
            return None
        except BaseException as error:
            if self._is_interruption(error):
                raise
            if not self._has_logged_cohort:
                self._has_logged_cohort = True
                log.warning("clients cannot be trained together, so each trains alone:\n%s", traceback.format_exc())
            return None

    def _answer(self, work: _Work) -> bytes:
        """Runs a job and returns the message that answers it. Any error of the client is reported as its failure."""
        job, seconds = work.job, client_seconds(self._trial)
        try:
            with TimeLimit(seconds), self._noted([work]):
                started = time.monotonic()
                client = self._make_client(job.client_index)
                self._cohort = client.cohort if isinstance(client, Client) else 1
                update = run_client(work.kind, client, work.params, job)
                return encode_update(work.id, job.client_id, update, time.monotonic() - started, peak_memory())
        except TimeLimitExceeded:
            code, text = "CLIENT_TIMEOUT", f"no result after {seconds:g} s (limits.clientSeconds)"
        except (WireError, NotImplementedError) as error:
            code, text = getattr(error, "code", "CLIENT_ERROR"), str(error)
            if isinstance(error, NotImplementedError) and work.kind == "evaluate":
                code = "NO_EVALUATION"
        except BaseException as error:  # including SystemExit, because a client must not end its host
            if self._is_interruption(error):
                raise
            code, text = "CLIENT_ERROR", f"{type(error).__name__}: {error}"
            if not self._has_logged_traceback:
                self._has_logged_traceback = True
                log.warning("first error of a client:\n%s", traceback.format_exc())
        if code != "NO_EVALUATION":
            is_same = self._last_error == (job.round, text)
            self._last_error = (job.round, text)
            said = "the same error" if is_same else printable(text, 500)
            log.warning("%s, round %s: %s: %s", job.client_id, job.round, code, said)
        return encode_failure(work.id, job.client_id, code, text)

    def _is_interruption(self, error: BaseException) -> bool:
        """In a process of its own, only a client raises KeyboardInterrupt."""
        return self._is_thread and isinstance(error, KeyboardInterrupt)

    @contextlib.contextmanager
    def _noted(self, works: list[_Work]) -> Iterator[None]:
        seconds = client_seconds(self._trial) * len(works) + grace_seconds(self._trial)
        self._note.begin(seconds, works[0].id, len(works))
        try:
            yield
        finally:
            if os.getpid() != self._process:  # a client has forked, and its child has come back here
                _end_process()
            self._note.end()
            self._report_leftovers(works)

    def _report_leftovers(self, works: list[_Work]) -> None:
        threads = self._leftovers.find_new() if self._leftovers else []
        self._has_leftovers = bool(threads)
        if threads:
            self._channel.send(THREADS, json.dumps({"jobs": [work.id for work in works], "threads": threads}).encode())


def _end_process() -> None:
    """Ends this process, whatever threads and exit handlers there are."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


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
