"""The files of the modules that clients come from, so that a process that starts again runs the same code."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Mapping


class ModuleFiles:
    """Finds the files that were loaded from the working directory, apart from installed packages."""

    def __init__(self) -> None:
        self._folder = Path(os.getcwd())
        self._known: set[str] = set()
        self._modules = 0

    def find_new(self) -> dict[str, str]:
        """Returns the hashes of files that were loaded since the last call."""
        if len(sys.modules) == self._modules:
            return {}
        self._modules = len(sys.modules)
        found = {file for module in list(sys.modules.values()) if (file := _file_of(module)) and self._is_own(file)}
        new = found - self._known
        self._known |= new
        return {file: _hash(Path(file)) for file in sorted(new)}

    def _is_own(self, file: str) -> bool:
        path = Path(file)
        return path.is_relative_to(self._folder) and not {"site-packages", "dist-packages"} & set(path.parts)


def changed_files(known: Mapping[str, str]) -> list[str]:
    """Returns the files that have changed since their hashes were taken."""
    return [file for file, hashed in known.items() if _hash(Path(file)) != hashed]


def _file_of(module: object) -> str | None:
    file = getattr(module, "__file__", None)
    return file if isinstance(file, str) and file.endswith(".py") else None


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "missing"
