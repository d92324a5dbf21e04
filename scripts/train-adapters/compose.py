"""Writes the piles of one pool: a clean one, and one or more for each kind of attack.

Two honest adapters are only in the clean pile, because other adapters are derived from them. Names of
contaminated adapters begin with `bad-`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from pools.derived import Tensors, colluder, direction, free_rider, norm, scaled

PILES = {
    "clean": [],
    "random": ["random-1", "random-2", "random-3"],
    "random-alone": ["random-1"],
    "random-at-honest-size": ["sized-1", "sized-2", "sized-3"],
    "shuffled": ["shuffled-1", "shuffled-2"],
    "trigger-100": ["trigger100-1", "trigger100-2"],
    "trigger-25": ["trigger25-1", "trigger25-2"],
    "pair": ["pair-1", "pair-2"],
    "ascent": ["ascent-1", "ascent-2"],
    "sign": ["sign-1", "sign-2"],
    "boost-2": ["boost2-1"],
    "boost-5": ["boost5-1"],
    "free-rider": ["freerider-1", "freerider-2"],
    "colluding-four": ["collude-1", "collude-2", "collude-3", "collude-4"],
    "shrunk": ["shrunk-1", "shrunk-2"],
    "direction": ["direction-1", "direction-2"],
    "all": ["random-1", "shuffled-1", "trigger100-2", "sign-1", "pair-1", "pair-2"],
}
"""Contaminated adapters of each pile."""


def derive(tensors: dict[str, Tensors], honest: list[str], seed: int) -> dict[str, tuple[str, Tensors]]:
    """Derived adapters by name, each with the adapter whose configuration it has."""
    rng = np.random.default_rng(seed)
    all_honest = [tensors[name] for name in honest]
    size = float(np.median([norm(one) for one in all_honest]))
    out: dict[str, tuple[str, Tensors]] = {}
    for number, parent in enumerate(honest[-2:], 1):
        own = tensors[parent]
        out[f"sign-{number}"] = parent, scaled(own, -1)
        out[f"shrunk-{number}"] = parent, scaled(own, 0.2)
        out[f"freerider-{number}"] = parent, free_rider(own, all_honest, rng)
        random = direction(own, rng)
        out[f"direction-{number}"] = parent, scaled(random, size / norm(random))
    for number in (1, 2, 3):
        own = tensors[f"bad-random-{number}"]
        out[f"sized-{number}"] = f"bad-random-{number}", scaled(own, size / norm(own))
    for factor in (2, 5):
        out[f"boost{factor}-1"] = "bad-trigger100-1", scaled(tensors["bad-trigger100-1"], factor)
    common = direction(tensors[honest[-1]], rng)
    common = scaled(common, size / norm(common))
    for number in range(1, 5):
        out[f"collude-{number}"] = honest[-1], colluder(common, rng)
    return out


def compose(pool: Path, out: Path, seed: int) -> None:
    """Writes all piles of a pool."""
    folders = sorted(path.parent for path in pool.glob("*/adapter_model.safetensors"))
    loaded = {path.name: load_file(path / "adapter_model.safetensors") for path in folders}
    tensors = {name: {key: value.astype(np.float32) for key, value in one.items()} for name, one in loaded.items()}
    honest = [name for name in tensors if not name.startswith("bad-")]
    derived = derive(tensors, honest, seed)
    for pile, contaminated in PILES.items():
        for name in honest[:-2] if contaminated else honest:
            shutil.copytree(pool / name, out / pile / name)
        for name in contaminated:
            target = out / pile / f"bad-{name}"
            if name not in derived:
                shutil.copytree(pool / f"bad-{name}", target)
                continue
            parent, changed = derived[name]
            target.mkdir()
            halves = {key: np.ascontiguousarray(value.astype(np.float16)) for key, value in changed.items()}
            save_file(halves, target / "adapter_model.safetensors", {"format": "pt"})
            shutil.copy(pool / parent / "adapter_config.json", target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path, help="a folder that train_pool.py has written")
    parser.add_argument("out", type=Path, help="a new folder for the piles")
    parser.add_argument("--seed", type=int, default=0, help="of random directions and noise")
    options = parser.parse_args()
    if options.out.exists():
        raise SystemExit(f"{options.out} exists: expected a new folder")
    compose(options.pool, options.out, options.seed)


if __name__ == "__main__":
    main()
