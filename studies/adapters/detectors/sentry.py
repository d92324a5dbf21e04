"""adaptersentry (PyPI): a scanner of single adapters.

Its verdict compares each module with the same projection in other layers and needs 16 layers or more for that. It
ships no reference of benign adapters yet. So there are two detectors: its verdict as it is, and the nine features that
it compares, which are compared with those of the other adapters of the pile here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from adapters import Adapter, Array, Rows
from features import Features, average_layers

if TYPE_CHECKING:
    from adaptersentry import ScanResult

FEATURES = ("log_rms", "top1_e", "srank_r", "spec_h", "excess_conc", "kurt_dw", "row_hoyer", "row_top8", "col_hoyer")
"""The features that adaptersentry 2 compares between modules."""

ALERTS = ("allow", "review", "block")


@dataclass(frozen=True)
class Alerts:
    """The actions that adaptersentry recommends, as scores: 0 to allow, 1 to review, 2 to block."""

    levels: Array

    def select(self, rows: Rows) -> Alerts:
        return Alerts(self.levels[rows])

    def scores(self) -> Array:
        return self.levels


def measure_verdicts(adapters: list[Adapter]) -> Alerts:
    return Alerts(np.array([float(ALERTS.index(scan(one).verdict.action)) for one in adapters]))


def measure_features(adapters: list[Adapter]) -> Features:
    return Features(np.array([features(one) for one in adapters]))


def features(adapter: Adapter) -> Array:
    modules = scan(adapter).modules
    return average_layers((own.module, [getattr(own.features, name) for name in FEATURES]) for own in modules)


@cache
def scan(adapter: Adapter) -> ScanResult:
    from adaptersentry import scan as scan_file

    return scan_file(adapter.file, include_modules=True)
