"""Runs federations of fedclair from Python. The guide is docs/python.md in fedclair's repository."""

from .aggregate import Aggregation, aggregate
from .command import FedclairError
from .partition import partition
from .run import Run, audit, open_run, run

__all__ = ["Aggregation", "FedclairError", "Run", "aggregate", "audit", "open_run", "partition", "run"]
