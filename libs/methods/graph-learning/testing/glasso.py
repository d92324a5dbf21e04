"""Writes fixtures/glasso.json: sparse inverse covariances by scikit-learn's graphical_lasso, of correlations.

    pip install scikit-learn==1.9.1 && python libs/methods/graph-learning/testing/glasso.py
"""

import json
from pathlib import Path

import numpy


def rounded(values, digits=6):
    return numpy.round(numpy.asarray(values, float), digits).tolist()


def cases():
    from sklearn.covariance import graphical_lasso

    rng = numpy.random.default_rng(1)
    for nodes, signals, penalty in [(5, 40, 0.1), (8, 200, 0.05), (8, 200, 0.3), (12, 8, 0.2)]:
        mixing = rng.normal(size=(nodes, nodes)) * (rng.random((nodes, nodes)) < 0.4)
        points = rng.normal(size=(signals, nodes)) @ (numpy.eye(nodes) + mixing)
        correlations = numpy.array(rounded(numpy.corrcoef(points.T)))
        _, precision = graphical_lasso(
            correlations, alpha=penalty, tol=1e-8, enet_tol=1e-10, max_iter=2000
        )
        yield {
            "lambda": penalty,
            "correlations": correlations.tolist(),
            "precision": rounded(precision, 8),
        }


text = ",\n".join(json.dumps(case) for case in cases())
(Path(__file__).parents[1] / "fixtures/glasso.json").write_text(f"[\n{text}\n]\n")
