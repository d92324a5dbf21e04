"""Times ``fedclair.aggregate`` beside NumPy: the mean of the clients, and what CLAIR takes. Prints the table of docs/python.md."""

import statistics
import time
from typing import Callable

import numpy as np

import fedclair


def milliseconds(work: Callable[[], object], repeats: int) -> str:
    """Returns the median time of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return f"{statistics.median(times):.0f}"


print("| clients × numbers | NumPy's mean | `fedavg` | `clair`, rank 4 |\n| --- | --- | --- | --- |")
for clients, rows in ((20, 1000), (100, 100)):
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(rows, 4)).astype(np.float32)
    updates = {
        f"c{i:02}": {"w": shared @ rng.normal(size=(4, 1000)).astype(np.float32) + 0.1 * rng.normal(size=(rows, 1000)).astype(np.float32)}
        for i in range(clients)
    }
    arrays = [update["w"] for update in updates.values()]
    fedclair.aggregate(updates, "fedavg")  # starts the process
    row = (
        f"{clients} × {rows * 1000:,}",
        milliseconds(lambda: np.mean(arrays, axis=0), 5),
        milliseconds(lambda: fedclair.aggregate(updates, "fedavg"), 5),
        milliseconds(lambda: fedclair.aggregate(updates, "clair", rank=4), 1),
    )
    print(f"| {' | '.join(row)} |")
