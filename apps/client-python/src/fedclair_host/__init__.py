"""The Python client host of fedclair. The guide is docs/python-clients.md in fedclair's repository."""

from typing import TYPE_CHECKING, Any

from .client import Array, Client, Contamination, Delta, Job, LowRank, Params, Update
from .contaminate import DATA_ATTACKS, LABEL_ATTACKS, contaminate, contaminate_labels, plant_trigger
from .contaminate_examples import EXAMPLE_ATTACKS, contaminate_examples
from .errors import HostError
from .stream import Stream, root_stream

if TYPE_CHECKING:
    from .host import Ending, Host

__all__ = [
    "Array",
    "Client",
    "Contamination",
    "DATA_ATTACKS",
    "Delta",
    "EXAMPLE_ATTACKS",
    "Ending",
    "Host",
    "HostError",
    "Job",
    "LABEL_ATTACKS",
    "LowRank",
    "Params",
    "Stream",
    "Update",
    "contaminate",
    "contaminate_examples",
    "contaminate_labels",
    "plant_trigger",
    "root_stream",
]


def __getattr__(name: str) -> Any:
    # The process of the clients needs no connection, which takes as long to load as NumPy.
    if name in ("Ending", "Host"):
        from . import host

        return getattr(host, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
