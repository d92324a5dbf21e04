"""The command ``fedclair-host``."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import ssl
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, Callable, Sequence, get_type_hints
from urllib.parse import urlsplit

from .client import Client
from .device import CHOICES, DeviceMissing, choose_device
from .host import Host, HostError, _TimeLimit, log, software_version
from .notes import Notes, variable as note_variable
from .text import printable
from .tls import is_loopback, tls_context
from .torch_start import defer_compiler


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
        device = None if options.device is None else choose_device(options.device)
        notes = Notes(os.environ.get(note_variable))
        with notes.of(f"loading {options.clients}"):
            make_client, backend, contaminations = _load_clients(options)
        defer_compiler()
        if device == "cuda":
            backend = f"{backend}-cuda"  # a trial's hosts must use one backend, because results differ
        coordinator = _address_of_parent() if options.coordinator == _PARENT else options.coordinator
        address = urlsplit(coordinator)
        if address.scheme == "http" and not is_loopback(address.hostname or ""):
            log.warning("no TLS: anyone who can read the network traffic sees the token and every update")
        host = Host(
            make_client,
            coordinator,
            options.capacity,
            token=_token(options.token_file),
            tls=_tls(options),
            backend=options.backend or backend,
            contaminations=contaminations,
            notes=notes,
        )
        ending = host.run()
    except (HostError, DeviceMissing) as error:
        log.error("error: %s", error)
        return 2
    except KeyboardInterrupt:
        log.info("stopped")
        return 130
    log.info("%s", ending.reason)
    return ending.exit_code


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
    parser.add_argument("--device", choices=CHOICES, help="device that TorchClient moves its model to; auto is cuda where there is a GPU; default: where the model is")
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


def _load_clients(options: argparse.Namespace) -> tuple[Callable[[int], Client], str, Sequence[str]]:
    """Returns the function that creates clients, the name of their backend, and the contaminations that they carry out."""
    loaded = _load_object(options.clients)
    if options.flower:
        try:
            from .flower import flower_clients
        except ImportError as error:
            raise HostError(f"--flower needs flwr: pip install './apps/client-python[flower]' in fedclair's repository ({error})") from None

        initial = None if options.initial is None else _load_object(options.initial)
        try:
            return flower_clients(loaded, initial), "flower", getattr(loaded, "contaminations", ())
        except TypeError as error:
            raise HostError(f"{options.clients}: {error}") from None
    if options.initial is not None:
        raise HostError("--initial goes with --flower: other clients have a method initial")
    if not callable(loaded):
        raise HostError(f"{options.clients} is no function that makes a client from its index")
    return loaded, *declared(loaded)


def declared(make_client: Callable[[int], Client]) -> tuple[str, Sequence[str]]:
    """Returns the backend of clients and the contaminations that they carry out. They are attributes of a class, or of a function,
    or of the class that a function is annotated to return. A function that says nothing creates its first client, which has them."""
    owner: Any = make_client
    if not isinstance(make_client, type):
        owner = _annotated(make_client) or _first_client(make_client)

    def read(name: str, default: Any) -> Any:
        return getattr(make_client, name, getattr(owner, name, default))

    return read("backend", "python-numpy"), read("contaminations", ())


def _annotated(make_client: Any) -> Any:
    """The class that a function is annotated to return, or None if it is any client."""
    try:
        made = get_type_hints(make_client).get("return")
    except Exception:  # a hint that names something unknown here says nothing
        return None
    return None if made is Client else made


def _first_client(make_client: Callable[[int], Client]) -> Client | None:
    """Returns None if it cannot be created. It may be none of this host's clients: then nothing is wrong. Else its job reports the error."""
    try:
        with _TimeLimit(_FIRST_CLIENT_SECONDS):
            return make_client(0)
    except KeyboardInterrupt:
        raise
    except BaseException:  # including SystemExit
        return None


_FIRST_CLIENT_SECONDS = 30.0


def _own_traceback(error: BaseException) -> str:
    """Formats a traceback without the frames of the import."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__ and "importlib" not in frame.filename]
    text = "".join(traceback.format_list(traceback.StackSummary.from_list(frames[-_FRAMES:])) + traceback.format_exception_only(error))
    return "\n".join(printable(line, 500) for line in text.rstrip().splitlines())


#: Frames of a traceback that are shown, the last ones.
_FRAMES = 10


loading: str | None = None
"""The name of what this host is importing. A script that runs a trial must not do it again when its own hosts import it."""


def _load_object(name: str) -> Any:
    """Loads the object that `module:attribute` refers to. The module may be in the working directory."""
    global loading
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise HostError(f"expected module:function, as my_module:make_client, got {name!r}")
    sys.path.insert(0, os.getcwd())
    loading = name
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:  # the module is there, and imports a package that is not
            raise HostError(f"{name} cannot be imported\n{_own_traceback(error)}") from None
        raise HostError(f"{name}: {error}, neither in {printable(os.getcwd(), 200)} nor among the installed packages") from None
    except (Exception, SystemExit) as error:
        raise HostError(f"{name} cannot be imported\n{_own_traceback(error)}") from None
    finally:
        loading = None
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise HostError(f"module {module_name} has no {attribute!r}") from None


if __name__ == "__main__":
    sys.exit(main())
