"""Writes libs/runs/fixtures/intervals.json: confidence intervals of 95 % by SciPy 1.17.

    pip install scipy
    python scripts/interval-cases.py > libs/runs/fixtures/intervals.json
"""

import json

import numpy
from scipy import stats

rng = numpy.random.default_rng(1)


def rounded(values):
    return [round(float(value), 6) for value in values]


def mean_case(values):
    values = rounded(values)
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return {"values": values, "mean": float(numpy.mean(values)), **bounds(interval)}


def pair_case(first, second):
    first, second = rounded(first), rounded(second)
    interval = stats.ttest_rel(first, second).confidence_interval(0.95)
    mean = float(numpy.mean(numpy.subtract(first, second)))
    return {"pairs": list(zip(first, second)), "mean": mean, **bounds(interval)}


def share_case(hits, total):
    interval = stats.binomtest(hits, total).proportion_ci(0.95, method="wilson")
    return {"hits": hits, "total": total, **bounds(interval)}


def bounds(interval):
    return {"low": float(interval.low), "high": float(interval.high)}


means = [
    mean_case(scale * rng.normal(size=n) + shift)
    for n in [2, 3, 5, 10, 30, 200]
    for scale, shift in [(1, 0), (0.01, 0.85), (1e4, -3e5)]
]
pairs = [
    pair_case(0.05 * rng.normal(size=n) + 0.8, 0.05 * rng.normal(size=n) + 0.75)
    for n in [2, 3, 5, 10, 30]
]
shares = [
    share_case(hits, total)
    for total in [1, 4, 20, 60, 1000]
    for hits in sorted({0, 1, total // 3, total - 1, total})
]
print(json.dumps({"means": means, "pairs": pairs, "shares": shares}, indent=1))
