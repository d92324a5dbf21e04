"""Writes fixtures/transport.json: exact and entropic optimal transport by POT, of samples with equal weights.

    pip install POT==0.9.7.post1 && python libs/methods/value-driven-transport/testing/transport.py
"""

import json
from pathlib import Path

import numpy


def rounded(values, digits=6):
    return numpy.round(numpy.asarray(values, float), digits).tolist()


def cases():
    import ot

    rng = numpy.random.default_rng(2)
    for n, m, dimensions, entropy in [(5, 5, 2, 0.5), (6, 9, 3, 0.2), (20, 20, 32, 8.0)]:
        x = numpy.array(rounded(rng.normal(size=(n, dimensions))))
        y = numpy.array(rounded(rng.normal(size=(m, dimensions)) + 0.5))
        costs = ot.dist(x, y, metric="sqeuclidean")
        masses = numpy.full(n, 1 / n), numpy.full(m, 1 / m)
        plan = ot.sinkhorn(
            *masses, costs, entropy, method="sinkhorn_log", stopThr=1e-12, numItermax=100_000
        )
        yield {
            "x": x.tolist(),
            "y": y.tolist(),
            "w2_squared": float(ot.emd2(*masses, costs)),
            "entropy": entropy,
            "plan": rounded(plan, 9),
        }


text = ",\n".join(json.dumps(case) for case in cases())
(Path(__file__).parents[1] / "fixtures/transport.json").write_text(f"[\n{text}\n]\n")
