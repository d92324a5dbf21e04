"""Writes the results of ByzFL 0.0.11 on the same updates, rule by rule and attack by attack.

    python3 -m venv /tmp/byzfl && . /tmp/byzfl/bin/activate
    pip install byzfl==0.0.11
    python scripts/byzfl-cases.py rules > libs/rules/fixtures/aggregators/byzfl.json
    python scripts/byzfl-cases.py attacks > libs/rules/fixtures/attacks/byzfl.json

Two things about CAF are changed (`prepare_caf`). ByzFL makes one power iteration from a random start,
so its result differs from call to call; here the start is the eigenvector that the iteration
approximates. And ByzFL divides by the largest deviation of all points, also of those whose weight is
already 0. Such a point far away keeps the other weights from falling: CAF(f=1) of 0, 1, 2 and 1e6
does not return. Here these points have no deviation.

The geometric median makes three steps by default; here it makes as many as it needs to converge.
"""

import json
import sys

import byzfl
import numpy as np

draw = np.random.default_rng(1).normal
random = np.random.randn


def updates(clients, length, outliers):
    """Returns updates near one another, the last few of them far away, with short decimals."""
    vectors = 1 + draw(size=(clients, length))
    for k in range(clients - outliers, clients):
        vectors[k] = -3 * vectors[k] + 4 * draw(size=length)
    return np.round(vectors, 4)


def prepare_caf(length):
    """Stands in for np.random.randn inside of CAF, and reads and changes the variables there."""
    caller = sys._getframe(1).f_locals
    c, diffs = caller["c"], caller["diffs"]
    assert diffs.shape[1] == length
    diffs[c == 0] = 0
    return np.linalg.eigh((c[:, None] * diffs).T @ diffs / c.sum())[1][:, -1]


def caf(vectors, f):
    np.random.randn = prepare_caf
    try:
        return byzfl.CAF(f=f)(vectors)
    finally:
        np.random.randn = random


def bucketing(vectors, size, seed):
    """Returns the order that ByzFL draws and the means of its buckets."""
    np.random.seed(seed)
    order = np.random.permutation(len(vectors))
    np.random.seed(seed)
    means = byzfl.Bucketing(s=size)(vectors.copy())
    assert np.allclose(means[0], vectors[order[:size]].mean(axis=0))
    return {"size": size, "order": order.tolist(), "means": means.tolist()}


def rule_case(clients, length, f, size):
    vectors = updates(clients, length, f)
    tau = float(np.round(np.median(np.linalg.norm(vectors, axis=1)), 4))
    nnm = byzfl.NNM(f=f)(vectors)
    results = {
        "mean": byzfl.Average()(vectors),
        "median": byzfl.Median()(vectors),
        "trimmedMean": byzfl.TrMean(f=f)(vectors),
        "krum": byzfl.Krum(f=f)(vectors),
        "multiKrum": byzfl.MultiKrum(f=f)(vectors),
        "geometricMedian": byzfl.GeometricMedian(nu=0.1, T=5000)(vectors),
        "centeredClipping": byzfl.CenteredClipping(L=3, tau=tau)(vectors),
        "mda": byzfl.MDA(f=f)(vectors),
        "monna": byzfl.MoNNA(f=f, idx=1)(vectors),
        "meamed": byzfl.Meamed(f=f)(vectors),
        "caf": caf(vectors, f),
        "nnm": nnm,
        "nnmTrimmedMean": byzfl.TrMean(f=f)(nnm),
    }
    return {
        "f": f,
        "tau": tau,
        "vectors": vectors.tolist(),
        **{name: result.tolist() for name, result in results.items()},
        "bucketing": bucketing(vectors, size, seed=clients),
    }


def attack_case(clients, length):
    honest = updates(clients, length, 0)
    return {
        "honest": honest.tolist(),
        "innerProductManipulation": byzfl.InnerProductManipulation(tau=0.5)(honest).tolist(),
        "signFlipping": byzfl.SignFlipping()(honest).tolist(),
        "aLittleIsEnough": byzfl.ALittleIsEnough(tau=1.5)(honest).tolist(),
    }


cases = {
    "rules": lambda: [
        rule_case(clients, length, f, size)
        for clients, f, size in [(5, 1, 2), (8, 2, 2), (11, 3, 3), (14, 4, 3)]
        for length in [1, 2, 7]
    ],
    "attacks": lambda: [attack_case(clients, length) for clients in [3, 8] for length in [1, 6]],
}
print(json.dumps({"byzfl": "0.0.11", "cases": cases[sys.argv[1]]()}))
