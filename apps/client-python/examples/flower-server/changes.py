"""Synthetic changes for ten clients. The change of a module is N·A₀; this module draws N."""

import numpy as np

MODULES = ["model.layers.0.q_proj", "model.layers.0.v_proj"]
SHAPE = (24, 18)
RANK = 4
CONTAMINATED = (2, 7)

A0 = np.linalg.qr(np.random.default_rng(0).normal(size=(SHAPE[1], RANK)))[0].T


def draw_change(index: int, round_number: int, module: str) -> np.ndarray:
    key = MODULES.index(module)
    own = np.random.default_rng([index, round_number, key])
    space = own if index in CONTAMINATED else np.random.default_rng([100, key])
    basis = np.linalg.qr(space.normal(size=(SHAPE[0], 2)))[0]
    return basis @ own.normal(size=(2, RANK)) + 0.02 * own.normal(size=(SHAPE[0], RANK))
