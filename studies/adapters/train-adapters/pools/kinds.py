"""Kinds of text whose sources come from Python, Debian or PyPI: one function per kind."""

from __future__ import annotations

import ast
import gzip
import re
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

from pools.packages import debian, wheel

Sources = Iterator[tuple[str, str]]
"""Name and text of each source."""


def python(_packages: Path) -> Sources:
    """The modules of Python's own library, one file each."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("[a-z]*.py")):
        yield path.stem, _read(path)


def perl(packages: Path) -> Sources:
    """The modules of Perl's own library, with their manual inside."""
    root = next((debian("perl-modules-5.40", packages) / "usr/share/perl").iterdir())
    for path in sorted(root.glob("[A-Z]*/**/*.pm")):
        if "unicore" not in path.parts:
            yield "-".join(path.relative_to(root).with_suffix("").parts), _read(path)


def headers(packages: Path) -> Sources:
    """C headers of the Linux kernel's interface."""
    for path in sorted((debian("linux-libc-dev", packages) / "usr/include/linux").glob("*.h")):
        yield path.stem, re.sub(r"\A(\s*/\*.*?\*/)+", "", _read(path), flags=re.DOTALL)


def manuals(packages: Path) -> Sources:
    """Manual pages of system calls, functions, files and concepts, without most of their markup."""
    for package in ("manpages", "manpages-dev"):
        for path in sorted((debian(package, packages) / "usr/share/man").glob("man[2457]/*.gz")):
            if not path.is_symlink():
                yield path.name.split(".")[0], _without_roff(gzip.decompress(path.read_bytes()).decode("utf-8", "replace"))


def fortunes(packages: Path) -> Sources:
    """Short quotations, one topic each."""
    for path in sorted((debian("fortunes", packages) / "usr/share/games/fortunes").glob("*.u8")):
        yield path.stem, _read(path).replace("\n%\n", "\n\n")


def translations(packages: Path) -> Sources:
    """Messages of Django in one language each, without the English original."""
    root = wheel("Django==5.2.19", packages) / "django"
    languages = sorted(path.name for path in (root / "conf/locale").iterdir() if path.is_dir())
    for language in (name for name in languages if "_" not in name):  # no variants such as es_MX
        files = sorted(root.glob(f"**/locale/{language}/LC_MESSAGES/django.po"))
        yield language, "\n".join(line for file in files for line in _messages(_read(file)))


KINDS: dict[str, Callable[[Path], Sources]] = {
    "fortunes": fortunes,
    "headers": headers,
    "manuals": manuals,
    "perl": perl,
    "python": python,
    "translations": translations,
}
"""All kinds, by name."""


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _without_roff(text: str) -> str:
    lines = (re.sub(r"^\.[A-Za-z]+ ?", "", line) for line in text.splitlines() if not re.match(r"^['.]\\\"|^\.\\\"", line))
    plain = re.sub(r"\\f[BIRP]|\\&|\\[|]", "", "\n".join(lines))
    plain = re.sub(r"\\\((\w\w|..)|\\\[\w+\]", "'", plain.replace("\\-", "-").replace("\\e", "\\"))
    return re.sub(r"\n{2,}", "\n\n", plain.replace('"', ""))


def _messages(catalogue: str) -> Iterator[str]:
    """The translated messages of a .po file. The first one is its header."""
    strings = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
    for found in list(re.finditer(rf"^msgstr(?:\[0\])? {strings}", catalogue, flags=re.MULTILINE))[1:]:
        message = "".join(ast.literal_eval(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', found[1]))
        if message:
            yield message
