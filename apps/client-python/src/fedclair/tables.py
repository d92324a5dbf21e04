"""Loads pandas, which is optional, when a table is asked for."""

from __future__ import annotations

from typing import Any


def pandas() -> Any:
    """:raises ImportError: with the command that installs it"""
    try:
        import pandas
    except ImportError:
        raise ImportError("tables are DataFrames of pandas: pip install pandas") from None
    return pandas
