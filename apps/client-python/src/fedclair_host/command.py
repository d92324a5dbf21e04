"""The command ``fedclair-host``."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import ssl
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Sequence
from urllib.parse import urlsplit

from .client_process import ClientProcesses, ClientSource
from .device import read_choice
from .errors import ClientsEnded, HostError
from .versions import software_version

if TYPE_CHECKING:
    from .host import Ending

log = logging.getLogger("fedclair-host")


#: As --coordinator: the process that started this one sends the address, and this one ends when that one does.
_PARENT = "parent"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a host. :returns: the coordinator's exit code when the trial has ended, 2 for an error that the user can fix, 130 when stopped"""
    options = _options(arguments)
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.INFO, stream=sys.stderr)
    for noisy in ("socketio", "engineio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        ending = _run(options)
    except HostError as error:
        # The first of several hosts shows the traceback of an import that fails in all.
        is_brief = "FEDCLAIR_HOST_BRIEF" in os.environ
        log.error("error: %s", str(error).partition("\n")[0] if is_brief else error)
        return 2
    except ClientsEnded as error:
        log.error("error: %s", error)
        return 1
    except KeyboardInterrupt:
        log.info("stopped")
        return 130
    log.info("%s", ending.reason)
    return ending.exit_code


def _run(options: argparse.Namespace) -> Ending:
    processes = ClientProcesses(ClientSource(options.clients, options.flower, options.initial, options.device))
    try:
        # They take a while to load, in which the process of the clients starts.
        from .host import Host
        from .tls import is_loopback

        loaded = processes.load()
        coordinator = _address_of_parent() if options.coordinator == _PARENT else options.coordinator
        address = urlsplit(coordinator)
        if address.scheme == "http" and not is_loopback(address.hostname or ""):
            log.warning("no TLS: anyone who can read the network traffic sees the token and every update")
        host = Host(
            processes,
            coordinator,
            options.capacity,
            token=_token(options.token_file),
            tls=_tls(options),
            backend=options.backend or loaded.backend,
            contaminations=loaded.contaminations,
            versions=loaded.versions,
            is_child=options.coordinator == _PARENT,
        )
        return host.run()
    finally:
        processes.close()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="fedclair-host",
        description="A client host for Python. It joins a fedclair coordinator and provides the external clients of the trial.",
    )
    parser.add_argument("clients", help="module:function that creates a client from its index; with --flower a ClientApp, for example my_app:app")
    parser.add_argument("--coordinator", required=True, metavar="URL", help="address of the coordinator, for example https://10.0.0.1:4000")
    parser.add_argument("--capacity", required=True, type=_positive, metavar="N", help="maximum number of clients on this host")
    parser.add_argument("--flower", action="store_true", help="run a Flower ClientApp")
    parser.add_argument("--initial", metavar="MODULE:FUNCTION", help="with --flower: function that returns the initial params, as a torch module or arrays by name")
    parser.add_argument("--backend", metavar="NAME", help="name of what the clients compute with, the same on all hosts; default: python-numpy, or flower with --flower")
    parser.add_argument(
        "--device",
        type=read_choice,
        metavar="DEVICE",
        help="device that TorchClient moves its model to: cpu, cuda, cuda:1, … or auto, which is cuda where there is a GPU; default: where the model is",
    )
    parser.add_argument("--token-file", metavar="FILE", help="file with the join token; default: the environment variable FEDCLAIR_TOKEN")
    parser.add_argument("--tls-ca", metavar="FILE", help="certificate authority (PEM) of the coordinator; default: the system's authorities")
    parser.add_argument("--tls-cert", metavar="FILE", help="certificate (PEM) of this host, if the coordinator requires one")
    parser.add_argument("--tls-key", metavar="FILE", help="private key (PEM) of --tls-cert")
    parser.add_argument("--version", action="version", version=software_version)
    options = parser.parse_args(arguments)
    if options.coordinator == _PARENT:
        return options
    if not options.coordinator.startswith(("http://", "https://")):
        parser.error(f"--coordinator: expected an address as https://10.0.0.1:4000, got {options.coordinator!r}")
    files = (options.tls_ca, options.tls_cert, options.tls_key)
    if any(files) and options.coordinator.startswith("http://"):
        parser.error(f"--tls-…: {options.coordinator!r} is an address without TLS: expected one that begins with https://")
    if (options.tls_cert is None) != (options.tls_key is None):
        parser.error("--tls-cert and --tls-key go together")
    return options


def _address_of_parent() -> str:
    """Reads the coordinator's address from stdin, and ends this process when stdin is closed. :raises HostError: if there is no address"""
    address = sys.stdin.readline().strip()
    if not address:
        raise HostError("--coordinator parent: the process that started this host ended before it sent an address")

    def watch() -> None:
        # Not `sys.stdin.read`: a forked process, as a worker of a DataLoader, closes `sys.stdin` when it starts, and would wait
        # forever for the lock that this thread holds.
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    return address


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) < 2**32:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return int(text)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _token(file: str | None) -> str:
    if file is None:
        return os.environ.get("FEDCLAIR_TOKEN", "")
    _require_regular("--token-file", file)
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise HostError(f"--token-file: {error}") from None


def _require_regular(option: str, file: str | None) -> None:
    """Rejects a file that is not there, and a FIFO or a device, which would block the process."""
    if file is not None and not Path(file).is_file():
        raise HostError(f"{option}: '{file}': {'expected a regular file' if Path(file).exists() else 'no such file'}")


def _tls(options: argparse.Namespace) -> ssl.SSLContext:
    from .tls import tls_context

    for option, file in (
        ("--tls-ca", options.tls_ca),
        ("--tls-cert", options.tls_cert),
        ("--tls-key", options.tls_key),
    ):
        _require_regular(option, file)
    try:
        return tls_context(options.tls_ca, options.tls_cert, options.tls_key)
    except (OSError, UnicodeError) as error:  # an SSLError is one
        names = ", ".join(name for name in (options.tls_ca, options.tls_cert, options.tls_key) if name)
        raise HostError(f"--tls-…: cannot use {names}: {error}") from None


if __name__ == "__main__":
    sys.exit(main())
