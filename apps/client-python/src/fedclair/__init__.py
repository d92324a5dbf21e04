"""Runs federations of fedclair from Python. The guide is docs/python-clients.md in fedclair's repository."""

from .command import FedclairError
from .run import Run, audit, open_run, run

__all__ = ["FedclairError", "Run", "audit", "open_run", "run"]
