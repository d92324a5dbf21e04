"""Writes cases from independent programs, which tests compare our methods with.

    pip install scikit-learn==1.9.1 && python scripts/papers/cases.py glasso
    pip install open_spiel==2.0.2 && python scripts/papers/cases.py nash
    pip install POT==0.9.7.post1 && python scripts/papers/cases.py transport
"""

import json
import sys
from pathlib import Path

import numpy

methods = Path(__file__).parents[2] / "libs/methods"


def rounded(values, digits=6):
    return numpy.round(numpy.asarray(values, float), digits).tolist()


def glasso_cases():
    """Sparse inverse covariances by scikit-learn's graphical_lasso, of correlations."""
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


def transport_cases():
    """Exact and entropic optimal transport by POT, of samples with equal weights."""
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


def nash_cases():
    """Gains of the best deviation by OpenSpiel, of random policies in games with a common payoff."""
    import pyspiel
    from open_spiel.python import policy as policies
    from open_spiel.python.algorithms import exploitability

    rng = numpy.random.default_rng(3)
    for shape in [(2, 2), (3, 4), (2, 3, 2), (2, 2, 2, 2)]:
        payoff = numpy.array(rounded(rng.normal(size=shape), 3))
        rows = [rounded(rng.dirichlet(numpy.ones(count)), 6) for count in shape]
        rows = [numpy.array(row) / sum(row) for row in rows]
        # OpenSpiel takes one tensor of payoffs per player.
        tensors = [payoff.flatten().tolist()] * len(shape)
        game = pyspiel.convert_to_turn_based(pyspiel.create_tensor_game(tensors, list(shape)))
        table = policies.TabularPolicy(game)
        for player, row in enumerate(rows):
            for state in table.states_per_player[player]:
                table.policy_for_key(state)[: len(row)] = row
        conv = exploitability.nash_conv(game, table, return_only_nash_conv=False)
        yield {
            "payoff": payoff.tolist(),
            "policies": [row.tolist() for row in rows],
            "gap": float(max(conv.player_improvements)),
        }


makers = {
    "glasso": (glasso_cases, "graph-learning"),
    "nash": (nash_cases, "alberdice"),
    "transport": (transport_cases, "value-driven-transport"),
}

for name in sys.argv[1:]:
    make, method = makers[name]
    text = ",\n".join(json.dumps(case) for case in make())
    (methods / method / f"fixtures/{name}.json").write_text(f"[\n{text}\n]\n")
