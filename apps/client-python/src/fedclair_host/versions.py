"""The versions that determine a host's numbers."""

from __future__ import annotations

import platform
import sys

software_version = "0.1.0"


def loaded_versions() -> str:
    """Lists the versions of Python and of the packages that are loaded, as "Python 3.12.1, numpy 2.2.0"."""
    loaded = [(name, sys.modules.get(name)) for name in ("numpy", "torch", "transformers", "peft", "flwr")]
    found = [f"{name} {getattr(module, '__version__', '')}" for name, module in loaded if module is not None]
    return ", ".join([f"Python {platform.python_version()}", *found])
