"""Keeps the process of the clients from outliving its host, and from ending other processes, as far as the system can."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys

#: Numbers of Linux. Those of calls are the same on all processors in use.
_death_signal, _no_new_privileges = 1, 38
_create_ruleset, _restrict_self = 444, 446
_scope_signal = 2


def die_with_parent(parent: int) -> None:
    """Has the system kill this process when its parent ends (Linux): no code of this process may be able to run then."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def keep_signals_inside() -> bool:
    """Lets this process and those that it starts send signals only to one another. :returns: whether the system can (Linux 6.12)"""
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None)
    attributes = struct.pack("=QQQ", 0, 0, _scope_signal)  # no rules for files and networks
    ruleset = library.syscall(_create_ruleset, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    library.prctl(_no_new_privileges, 1, 0, 0, 0)
    is_kept: bool = library.syscall(_restrict_self, ruleset, 0) == 0
    os.close(ruleset)
    return is_kept
