"""The process that runs the clients of a host. The host starts it, ends it when a client exceeds its time, and starts it again."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
from typing import Any, Mapping

from .channel import FAILED, LOADED, Channel, ChannelBroken, Note, map_page
from .confine import die_with_parent, keep_signals_inside
from .device import DeviceMissing, choose_device
from .errors import HostError
from .load import FIRST_CLIENT_SECONDS, declared, load_clients
from .module_files import ModuleFiles, changed_files
from .runner import ClientRunner
from .torch_start import defer_compiler
from .versions import loaded_versions


def main() -> None:
    end, memory, parent = map(int, sys.argv[1:])
    sys.argv[1:] = []
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.INFO, stream=sys.stderr)
    channel, note = Channel(socket.socket(fileno=end), key=None), Note(map_page(memory))
    os.close(memory)

    def leave() -> None:
        channel.close()
        note.forget()

    os.register_at_fork(after_in_child=leave)
    try:
        _, setup = channel.receive()
        _run(channel, note, json.loads(setup))
    except EOFError:
        pass  # the host has ended
    except (HostError, DeviceMissing, ChannelBroken) as error:
        channel.send(FAILED, str(error).encode())


def _run(channel: Channel, note: Note, setup: Mapping[str, Any]) -> None:
    changed = changed_files(setup["files"])
    if changed:
        raise HostError(
            f"{', '.join(changed)}: changed since this host began, and its clients have to be loaded again: "
            "restore it, or run the trial again, which makes another run"
        )
    device = None if setup["device"] is None else choose_device(setup["device"])
    make_client, known = load_clients(setup["clients"], setup["flower"], setup["initial"])
    note.begin(FIRST_CLIENT_SECONDS + 1)
    backend, contaminations = known or declared(make_client)
    note.end()
    defer_compiler()
    if device is not None and device.startswith("cuda"):
        backend = f"{backend}-cuda"  # a trial's hosts must use one backend, because results differ
    files = ModuleFiles()
    loaded = {"backend": backend, "contaminations": contaminations if isinstance(contaminations, str) else list(contaminations), "versions": loaded_versions(), "files": files.find_new()}
    channel.send(LOADED, json.dumps(loaded).encode())
    keep_signals_inside()
    ClientRunner(channel, make_client, note=note, files=files, trains_alone=setup["trainsAlone"], ends_after=setup["endsAfter"]).serve()


if __name__ == "__main__":
    main()
