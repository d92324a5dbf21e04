"""The Python client host of fedclair. The guide is docs/python-clients.md in fedclair's repository."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import Array, Bfloat16, Client, Contamination, Delta, Job, LowRank, Params, Update
    from .attacks import DATA_ATTACKS, LABEL_ATTACKS, contaminate, contaminate_labels, plant_trigger
    from .example_attacks import EXAMPLE_ATTACKS, contaminate_examples
    from .errors import HostError
    from .host import Ending, Host
    from .stream import Stream, root_stream

__all__ = [
    "Array",
    "Bfloat16",
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


#: Where the names come from. A host's connection needs no NumPy, and the process of its clients no connection.
_modules = {
    "client": ("Array", "Bfloat16", "Client", "Contamination", "Delta", "Job", "LowRank", "Params", "Update"),
    "attacks": ("DATA_ATTACKS", "LABEL_ATTACKS", "contaminate", "contaminate_labels", "plant_trigger"),
    "example_attacks": ("EXAMPLE_ATTACKS", "contaminate_examples"),
    "errors": ("HostError",),
    "host": ("Ending", "Host"),
    "stream": ("Stream", "root_stream"),
}


def __getattr__(name: str) -> Any:
    for module, names in _modules.items():
        if name in names:
            value = getattr(import_module(f".{module}", __name__), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
