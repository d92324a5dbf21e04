"""The Python client host of fedclair. The guide is docs/python-clients.md in fedclair's repository."""

from .client import Array, Client, Delta, Job, LowRank, Params, Update
from .host import Ending, Host, HostError

__all__ = ["Array", "Client", "Delta", "Ending", "Host", "HostError", "Job", "LowRank", "Params", "Update"]
