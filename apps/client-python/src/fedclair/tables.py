"""Loads pandas, which is optional, when a table is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def pandas() -> Any:
    """:raises ImportError: with the command that installs it"""
    try:
        import pandas
    except ImportError:
        raise ImportError("tables are DataFrames of pandas: pip install pandas") from None
    return pandas


def read_table(file: Path) -> Any:
    """Reads a CSV file as a DataFrame whose numbers have all their digits."""
    frames = pandas()
    # Before 3.1, pandas reads numbers faster than it reads all their digits. From then on it warns of the option.
    is_exact = tuple(int(part) for part in frames.__version__.split(".")[:2]) >= (3, 1)
    return frames.read_csv(file) if is_exact else frames.read_csv(file, float_precision="round_trip")
