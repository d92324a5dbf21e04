"""The Python client host of fedclair. The guide is docs/python-clients.md in fedclair's repository."""

from .client import Array, Client, Contamination, Delta, Job, LowRank, Params, Update
from .contaminate import DATA_ATTACKS, LABEL_ATTACKS, contaminate, contaminate_labels, plant_trigger
from .contaminate_examples import EXAMPLE_ATTACKS, contaminate_examples
from .host import Ending, Host, HostError
from .stream import Stream, root_stream

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
