"""Makes hosts with PyTorch start sooner."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any, Callable

_NAME = "torch._dynamo"


def defer_compiler() -> None:
    """Keeps PyTorch's optimizers from importing its compiler, which takes as long as PyTorch itself, until something compiles.

    Optimizers use two functions of it, which do nothing in code that is not compiled. Everything else loads the compiler."""
    if "torch" in sys.modules and _NAME not in sys.modules:
        sys.modules[_NAME] = _Deferred(_NAME)


class _Deferred(ModuleType):
    """Stands in for the compiler."""

    @staticmethod
    def graph_break(*_: Any, **__: Any) -> None:
        """Ends a compiled graph, of which there is none."""

    @staticmethod
    def disable(function: Callable[..., Any], *options: Any, **named: Any) -> Callable[..., Any]:
        """Returns a function that is never compiled."""

        def call(*args: Any, **kwargs: Any) -> Any:
            loaded = sys.modules.get(_NAME)
            if loaded is None or isinstance(loaded, _Deferred):
                return function(*args, **kwargs)
            return loaded.disable(function, *options, **named)(*args, **kwargs)

        return call

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(_NAME) is self:
            del sys.modules[_NAME]
        return getattr(importlib.import_module(_NAME), name)
