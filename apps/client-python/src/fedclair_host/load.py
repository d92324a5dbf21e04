"""Loads the clients of a host from the module that its operator names."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any, Callable, Sequence, get_type_hints

from .client import Client
from .errors import HostError
from .text import printable
from .time_limit import TimeLimit


def load_clients(
    clients: str, flower: bool = False, initial: str | None = None
) -> tuple[Callable[[int], Client], tuple[str, Sequence[str]] | None]:
    """Returns the function that creates clients, and what `declared` would return if it need not be called.

    :param flower: whether they are a ClientApp
    :param initial: names the function that returns the first params of a ClientApp
    :raises HostError: if there are none"""
    loaded = _load_object(clients)
    if flower:
        try:
            from .flower import flower_clients
        except ImportError as error:
            raise HostError(f"--flower needs flwr: pip install './apps/client-python[flower]' in fedclair's repository ({error})") from None

        start = None if initial is None else _load_object(initial)
        try:
            return flower_clients(loaded, start), ("flower", getattr(loaded, "contaminations", ()))
        except TypeError as error:
            raise HostError(f"{clients}: {error}") from None
    if initial is not None:
        raise HostError("--initial goes with --flower: other clients have a method initial")
    if not callable(loaded):
        raise HostError(f"{clients} is no function that makes a client from its index")
    return loaded, None


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
        with TimeLimit(FIRST_CLIENT_SECONDS):
            return make_client(0)
    except KeyboardInterrupt:
        raise
    except BaseException:  # including SystemExit
        return None


#: The time to create a client that says what all are like.
FIRST_CLIENT_SECONDS = 30.0


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
