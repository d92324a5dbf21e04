"""A client host: joins a coordinator, has the jobs run that it sends, and reconnects when the connection breaks.

The clients run in a process of their own, which is ended when a client does not return in time: the connection and the other clients
are not affected. A function that creates clients runs in the thread that runs the host. The connection has its own thread, so that
heartbeats are answered meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import secrets
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence, Union

import socketio
from socketio.exceptions import ConnectionError as NoConnection, SocketIOError

from .channel import Channel
from .client_process import ClientProcesses
from .connection import connect, open_socket
from .messages import CoordinatorMessage, HostMessage, WireError, decode, encode_failure, read_code
from .dispatch import Dispatcher, OpenJob
from .errors import HostError
from .peer import Peer
from .text import printable
from .tls import is_refused, no_connection, tls_context, tls_fault
from .trial import check_limits, read_trial
from .versions import loaded_versions, software_version

if TYPE_CHECKING:
    from .client import Client

log = logging.getLogger("fedclair-host")

protocol_version = 2


@dataclass(frozen=True)
class Ending:
    reason: str
    exit_code: int


class Host:
    """Joins a coordinator with room for some virtual clients."""

    def __init__(
        self,
        clients: Union[Callable[[int], Client], ClientProcesses],
        url: str,
        capacity: int,
        *,
        token: str = "",
        tls: ssl.SSLContext | None = None,
        backend: str = "python-numpy",
        contaminations: Sequence[str] = (),
        versions: str | None = None,
        patience_seconds: float = 60.0,
        is_child: bool = False,
    ):
        """:param clients: creates a client from its index, 0 … client_count - 1, and is called for every job in the thread that calls `run`;
            or processes, which have loaded the clients
        :param capacity: maximum number of clients on this host
        :param tls: from `tls_context`, for https; default: the system's authorities and no client certificate
        :param backend: name of what the clients compute with; all hosts of a trial must use the same name
        :param contaminations: attacks on data that the clients carry out, as `Client.contaminations`
        :param versions: the versions that determine the clients' numbers, for the log; default: those of this process
        :param patience_seconds: time without a coordinator after which the host gives up
        :param is_child: whether the process that started this one also keeps the coordinator, and tells when that has failed"""
        if isinstance(contaminations, str):
            raise HostError(f"contaminations: expected a tuple of names, as ({contaminations!r},), got the text {contaminations!r}")
        self._clients = clients
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
        self._last_welcome = 0.0
        self._is_child = is_child
        self._versions = versions
        self._endings: queue.Queue[Union[Ending, BaseException]] = queue.Queue()
        self._trial_json: str | None = None
        self._trial: Mapping[str, Any] = {}
        self._loop = asyncio.new_event_loop()
        self._is_over = asyncio.Event()
        self._has_ended = False
        self._large = asyncio.Lock()
        self._dispatcher = Dispatcher(self._deliver)
        self._serving: asyncio.Task[None] | None = None

    def run(self) -> Ending:
        """Runs jobs until the trial is over.
        :raises HostError: if the host is rejected or finds no coordinator, or its clients cannot be loaded again
        :raises ClientsEnded: if the process of the clients ends again and again"""
        here, there = (None, None) if isinstance(self._clients, ClientProcesses) else socket.socketpair()
        thread = threading.Thread(target=self._loop.run_until_complete, args=(self._connection(here),), daemon=True)
        thread.start()
        try:
            if there is not None and not isinstance(self._clients, ClientProcesses):
                from .runner import ClientRunner  # imports NumPy, which a host with processes does without

                ClientRunner(Channel(there), self._clients).serve()
            ending = self._endings.get()
            if isinstance(ending, Ending):
                return ending
            raise ending
        finally:
            self._loop.call_soon_threadsafe(self._is_over.set)
            thread.join(5)
            if not thread.is_alive():
                self._loop.close()  # or the interpreter's end reports a descriptor that is gone
            if there is not None:
                there.close()

    def stop(self) -> None:
        """Ends `run` from another thread, after the present job."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end, Ending("stopped", 130))

    def _end(self, ending: Union[Ending, BaseException]) -> None:
        """Ends `run`, after the present job if it is in the same thread."""
        self._endings.put(ending)
        if self._serving is not None:
            self._serving.cancel()

    # ---- the connection's thread -----------------------------------------------------------------------------------

    async def _deliver(self, job: OpenJob, message: bytes) -> None:
        # Few results of several frames fit into the coordinator's memory at a time.
        turn = self._large if job.peer.takes_frames(message) else contextlib.nullcontext()
        try:
            async with turn:
                reply = await job.peer.send(message, lambda: job.is_wanted)
            if reply.WhichOneof("body") == "failure":
                self._log_refusal(job, read_code(reply.failure), reply.failure.message)
        except WireError as error:
            if error.code == "OVERSIZE":
                self._log_refusal(job, error.code, str(error))
                await self._deliver(job, encode_failure(job.id, job.client_id, error.code, str(error)))

    def _log_refusal(self, job: OpenJob, code: str, text: str) -> None:
        log.warning("the coordinator refused %s: %s: %s", job.client_id, code, printable(text, 500))

    async def _connection(self, here: socket.socket | None) -> None:
        """Connects clients and coordinator. :param here: an end of the channel to clients in a thread"""
        over = asyncio.ensure_future(self._is_over.wait())
        dialling = asyncio.ensure_future(self._keep_connected())
        self._serving = serving = asyncio.ensure_future(self._serve(here))
        for task in (dialling, serving):
            task.add_done_callback(self._end_if_failed)
        await over
        for task in (dialling, serving):
            task.cancel()
        await asyncio.gather(dialling, serving, return_exceptions=True)

    async def _serve(self, here: socket.socket | None) -> None:
        if isinstance(self._clients, ClientProcesses):
            await self._dispatcher.serve(self._clients)
        elif here is not None:
            await self._dispatcher.talk(here)

    def _end_if_failed(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._end(error)

    async def _keep_connected(self) -> None:
        wait, last_seen, last_error = 0.25, time.monotonic(), ""
        while True:
            try:
                began = time.monotonic()
                await self._until_disconnected()
                if self._has_ended:
                    return
                last_error = "the connection broke"
                if self._last_welcome >= began:
                    last_seen, wait = time.monotonic(), 0.25
                log.warning("the connection to %s broke; joining again", self._url)
            except NoConnection as error:
                fault = tls_fault(error)
                if fault is not None:
                    raise HostError(f"{self._url}: {fault}") from None
                if self._is_child and is_refused(error):
                    self._end(Ending("the coordinator has ended", 0))
                    return
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
        async with open_socket(self._tls) as socket:
            await self._use(socket)

    async def _use(self, socket: socketio.AsyncClient) -> None:
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
            await connect(socket, self._url)
            await self._join_trial(peer)
            await gone.wait()
        except WireError as error:
            if error.code != "HOST_LOST":
                raise HostError(f"{self._url}: {error.code}: {printable(str(error), 500)}") from None
        finally:
            peer.lose()
            self._dispatcher.drop_all()  # the coordinator counts its jobs as lost

    async def _join_trial(self, peer: Peer) -> None:
        reply = await peer.send(HostMessage(join=self._join).SerializeToString())
        body = reply.WhichOneof("body")
        if body == "failure":
            code, text = read_code(reply.failure), printable(reply.failure.message, 500)
            if code == "TRIAL_ENDED":
                self._end(Ending(text, 0))
                return
            raise HostError(f"{self._url}: {code}: {text}")
        if body != "welcome":
            raise HostError(f"{self._url} is no coordinator")
        welcome = reply.welcome
        self._last_welcome = time.monotonic()
        check_limits(self._url, welcome.chunk_bytes, welcome.max_message_bytes)
        peer.agree(welcome.chunk_bytes, welcome.max_message_bytes)
        if self._trial_json not in (None, welcome.trial_json):
            raise HostError(f"the coordinator at {self._url} now runs another trial: restart this host")
        self._trial_json = welcome.trial_json
        self._trial = read_trial(self._url, welcome.trial_json)
        task = self._trial.get("task", {}).get("name")
        if task != "external" and not self._trial.get("external"):
            raise HostError(
                f"all clients of the trial are simulated, by its task {printable(str(task), 80)}: `fedclair client` is their host; "
                "this host is for trials whose task is external, or that list clients under external"
            )
        self._dispatcher.begin_trial(welcome.trial_json, self._trial, welcome.max_message_bytes)
        await peer.send(HostMessage(ready={}).SerializeToString())
        versions = self._versions or loaded_versions()
        log.info("joined %s with room for %s clients (%s; %s)", self._url, self._join["capacity"], self._backend, versions)

    def _handle(self, data: bytes, peer: Peer) -> None:
        """Handles a message from the coordinator. :raises WireError: if it is malformed"""
        message = decode(CoordinatorMessage, data)
        body = message.WhichOneof("body")
        if body != "trial_end":
            self._dispatcher.receive(message, data, peer)
        else:
            end = message.trial_end
            self._has_ended = True
            self._dispatcher.drop_all()
            # Its own thread closes the connection, after the reply has been sent.
            reason = "\n".join(printable(line, 1024) for line in end.reason[:8192].split("\n"))
            self._end(Ending(reason, min(end.exit_code, 255)))

