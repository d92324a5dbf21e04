"""Runs a trial whose clients are created by a function of this process."""

from __future__ import annotations

import re
import secrets
import subprocess
import threading
from typing import Callable, Sequence

from fedclair_host.client import Client
from fedclair_host.device import choose_device
from fedclair_host.errors import HostError
from fedclair_host.host import Host
from fedclair_host.load import declared

from .command import FedclairError, call

_LISTENING = re.compile(r"listening on (http://[^\s\"]+)")

_CAPACITY = 1_000_000
"""This is the only host, so it takes all clients."""


def run_here(
    trial: str, make_client: Callable[[int], Client], options: Sequence[str], device: str | None, on_line: Callable[[str], None]
) -> None:
    """Runs a trial. Its external clients are in a host in a thread of this process, and simulated ones in processes of the command.

    :param options: of ``fedclair run``
    :param on_line: is called with each line that the command prints on stderr
    :raises FedclairError: with the text of the command or of the host"""
    token = secrets.token_hex(16)
    chosen = None if device is None else choose_device(device)
    backend, contaminations = declared(make_client)
    if chosen is not None and chosen.startswith("cuda"):
        backend = f"{backend}-cuda"
    processes: list[subprocess.Popen[str]] = []
    hosts: list[Host] = []
    threads: list[threading.Thread] = []
    errors: list[HostError] = []

    def run_host() -> None:
        try:
            hosts[0].run()
        except HostError as error:
            errors.append(error)
            processes[0].terminate()  # it would wait for another host

    def follow(line: str) -> None:
        address = _LISTENING.search(line)
        if address is not None and not hosts:
            hosts.append(Host(make_client, address[1], _CAPACITY, token=token, backend=backend, contaminations=contaminations))
            threads.append(threading.Thread(target=run_host, daemon=True))
            threads[0].start()
        on_line(line)

    environment = {"FEDCLAIR_TOKEN": token, "FEDCLAIR_LOG": "info"}
    try:
        call(["run", trial, "--external", "parent", *options], on_line=follow, on_start=processes.append, environment=environment)
    except FedclairError:
        if errors:
            raise FedclairError(str(errors[0]), 2) from None
        raise
    finally:
        for host, thread in zip(hosts, threads):
            host.stop()
            thread.join()
