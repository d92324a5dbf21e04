"""Kinds of text whose sources come from Python, Debian or PyPI."""

from __future__ import annotations

import ast
import gzip
import os
import re
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

from pools.packages import debian, wheel

Sources = Iterator[tuple[str, str]]
"""Name and text of each source."""

Kind = Callable[[Path], Sources]
"""Reads the sources, given a folder for packages."""


def python(_packages: Path) -> Sources:
    """The modules of Python's own library, one file each."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("[a-z]*.py")):
        yield path.stem, _read(path)


def headers(packages: Path) -> Sources:
    """C headers of the Linux kernel's interface."""
    for path in sorted((debian("linux-libc-dev", packages) / "usr/include/linux").glob("*.h")):
        yield path.stem, re.sub(r"\A(\s*/\*.*?\*/)+", "", _read(path), flags=re.DOTALL)


def manuals(package: str, folder: str) -> Kind:
    """Manual pages of one language, without most of their markup."""

    def read(packages: Path) -> Sources:
        for path in sorted((debian(package, packages) / "usr/share/man").glob(f"{folder}/*.gz")):
            if not path.is_symlink():
                yield path.name.split(".")[0], _without_roff(_read(path))

    return read


def files(package: str, pattern: str) -> Kind:
    """Files of a Debian package, named after the parts of their paths that differ."""

    def read(packages: Path) -> Sources:
        root = debian(package, packages)
        paths = [path for path in sorted(root.glob(pattern)) if path.is_file() and not path.is_symlink()]
        common = len(Path(os.path.commonpath(path.parent for path in paths)).parts)
        for path in paths:
            yield "-".join(path.parts[common:]), _read(path)

    return read


def slices(package: str, pattern: str, count: int) -> Kind:
    """As many parts of the files of a Debian package, joined: sources that differ by chance alone."""

    def read(packages: Path) -> Sources:
        text = "\n".join(text for _, text in files(package, pattern)(packages))
        for i in range(count):
            yield f"{i + 1:03d}", text[i * len(text) // count : (i + 1) * len(text) // count]

    return read


def translations(packages: Path) -> Sources:
    """Messages of Django in one language each, without the English original."""
    root = wheel("Django==5.2.19", packages) / "django"
    languages = sorted(path.name for path in (root / "conf/locale").iterdir() if path.is_dir())
    for language in (name for name in languages if "_" not in name):  # no variants such as es_MX
        files = sorted(root.glob(f"**/locale/{language}/LC_MESSAGES/django.po"))
        yield language, "\n".join(line for file in files for line in _messages(_read(file)))


VIM = "usr/share/vim/vim*"

KINDS: dict[str, Kind] = {
    "apache-fr": files("apache2-doc", "usr/share/doc/apache2-doc/manual/fr/**/*.html"),
    "cmake": files("cmake-data", "usr/share/cmake-*/Modules/**/*.cmake"),
    "cpp": files("libstdc++-14-dev", "usr/include/c++/14/**/*.h"),
    "css": files("wordpress", "usr/share/wordpress/**/*[!n].css"),
    "dictionary": slices("dict-jargon", "usr/share/dictd/*.dz", 60),
    "fortunes": slices("fortunes", "usr/share/games/fortunes/*[!8t]", 60),
    "git": files("git-doc", "usr/share/doc/git/html/*.txt"),
    "go": files("golang-1.24-src", "usr/share/go-1.24/src/*/*[!t].go"),
    "headers": headers,
    "help": files("vim-runtime", f"{VIM}/doc/*.txt"),
    "javascript": files("wordpress", "usr/share/wordpress/wp-includes/**/*[!n].js"),
    "keyboards": files("xkb-data", "usr/share/X11/xkb/symbols/*"),
    "latex": files("texlive-latex-recommended", "usr/share/texlive/**/*.sty"),
    "lisp": files("emacs-el", "usr/share/emacs/*/lisp/*.el.gz"),
    "locales": files("locales", "usr/share/i18n/locales/*"),
    "lua": files("neovim-runtime", "usr/share/nvim/runtime/**/*.lua"),
    "m4": files("autoconf-archive", "usr/share/aclocal/*.m4"),
    "manuals": manuals("manpages-dev", "man[23457]"),
    "manuals-de": manuals("manpages-de", "de/man[1578]"),
    "manuals-ja": manuals("manpages-ja", "ja/man[1578]"),
    "manuals-ru": manuals("manpages-ru", "ru/man[1578]"),
    "octave": files("octave-common", "usr/share/octave/*/m/**/*.m"),
    "perl": files("perl-modules-5.40", "usr/share/perl/*/[A-Z]*/**/*.pm"),
    "php": files("wordpress", "usr/share/wordpress/wp-includes/*.php"),
    "python": python,
    "rst": files("python3.13-doc", "usr/share/doc/python3.13/html/_sources/library/*.rst.txt"),
    "ruby": files("libruby3.3", "usr/lib/ruby/**/*.rb"),
    "shell": slices("bash-completion", "usr/share/bash-completion/completions/*", 60),
    "tcl": files("tcllib", "usr/share/tcltk/**/*.tcl"),
    "translations": translations,
    "vimscript": files("vim-runtime", f"{VIM}/syntax/*.vim"),
    "xsl": files("docbook-xsl", "usr/share/xml/docbook/**/*.xsl"),
}
"""All kinds, by name."""


def _read(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix in (".dz", ".gz") else data).decode("utf-8", "replace")


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
