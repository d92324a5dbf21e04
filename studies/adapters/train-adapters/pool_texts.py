"""Writes the sources of texts that come from Python, Debian and PyPI: `<kind>/<source>.txt`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from pools.kinds import KINDS

SMALLEST, LARGEST = 6_000, 60_000
"""Characters of the shortest source that is written, and characters used of a longer one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--packages", type=Path, required=True, help="a folder for packages of Debian and PyPI")
    options = parser.parse_args()
    for kind, sources in KINDS.items():
        folder = options.out / kind
        folder.mkdir(parents=True)
        for name, text in sources(options.packages):
            if len(text) >= SMALLEST:
                safe = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
                (folder / f"{safe}.txt").write_text(text[:LARGEST], encoding="utf-8")
        print(f"{kind}: {sum(1 for _ in folder.iterdir())} sources", flush=True)


if __name__ == "__main__":
    main()
