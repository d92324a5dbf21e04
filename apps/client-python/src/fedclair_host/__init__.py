"""A client host of fedclair for Python. See docs/python-clients.md of the project."""

from .client import Array, Client, Delta, Job, LowRank, Params, Update
from .host import Ending, Host, HostError

__all__ = ["Array", "Client", "Delta", "Ending", "Host", "HostError", "Job", "LowRank", "Params", "Update"]
