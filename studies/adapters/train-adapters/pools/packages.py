"""Files of packages from Debian and PyPI, unpacked into a folder without installing them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path


def debian(name: str, folder: Path) -> Path:
    """The files of a Debian package in the version that apt knows. Needs apt-get and dpkg-deb.

    :returns: the folder that has `usr`
    """
    target = folder / name
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-qq", name], cwd=folder, check=True)
        [archive] = folder.glob(f"{name}_*.deb")
        unfinished = folder / f"{name}.unfinished"
        subprocess.run(["dpkg-deb", "-x", archive, unfinished], check=True)
        unfinished.rename(target)
    return target


def wheel(requirement: str, folder: Path) -> Path:
    """The files of a wheel on PyPI, for example `Django==5.2.19`."""
    name, _, _ = requirement.partition("==")
    target = folder / name
    if not target.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--only-binary", ":all:", "--dest", folder, requirement], check=True)
        [archive] = folder.glob(f"{name.lower()}-*.whl")
        unfinished = folder / f"{name}.unfinished"
        with zipfile.ZipFile(archive) as file:
            file.extractall(unfinished)
        unfinished.rename(target)
    return target
