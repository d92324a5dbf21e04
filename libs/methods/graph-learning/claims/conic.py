"""Solves problems of rLogSpecT with Clarabel, a generic interior-point solver for cones.

Reads {"nodes", "covariance", "delta"} per line (the covariance column by column, alpha = 1) and
writes {"seconds", "iterations", "objective"} per line. One thread; building the cones is not timed.
"""

import json
import sys
import time

import clarabel
import numpy
from scipy import sparse


def solve(nodes, covariance, delta):
    c = numpy.reshape(covariance, (nodes, nodes))
    i, j = numpy.triu_indices(nodes, 1)
    pairs = len(i)
    edges = numpy.arange(pairs)
    degrees = sparse.coo_matrix(
        (numpy.ones(2 * pairs), (numpy.r_[i, j], numpy.r_[edges, edges])), (nodes, pairs)
    )
    # Column e of K is √2 times the upper triangle of the commutator with edge e.
    columns = []
    for a, b in zip(i, j):
        edge = numpy.zeros((nodes, nodes))
        edge[a, b] = edge[b, a] = 1
        columns.append(sparse.csc_matrix(numpy.sqrt(2) * (c @ edge - edge @ c)[i, j][:, None]))
    commutator = sparse.hstack(columns)

    # Variables: the weights x, and t ≤ log of the degrees. Rows s = b − A·(x, t) lie in cones.
    none = sparse.csc_matrix
    nonnegative = sparse.hstack([-sparse.eye(pairs), none((pairs, nodes))])
    ball = sparse.vstack(
        [none((1, pairs + nodes)), sparse.hstack([-commutator, none((pairs, nodes))])]
    )
    # (t_i, 1, d_i) in the exponential cone: exp(t_i) ≤ d_i.
    logs, right = [], []
    rows = degrees.tocsr()
    for node in range(nodes):
        unit = none(([1.0], ([0], [node])), (1, nodes))
        logs += [
            sparse.hstack([none((1, pairs)), -unit]),
            none((1, pairs + nodes)),
            sparse.hstack([-rows[node], none((1, nodes))]),
        ]
        right += [0, 1, 0]
    matrix = sparse.vstack([nonnegative, ball, *logs]).tocsc()
    b = numpy.r_[numpy.zeros(pairs), delta, numpy.zeros(pairs), right]
    cones = [
        clarabel.NonnegativeConeT(pairs),
        clarabel.SecondOrderConeT(pairs + 1),
        *[clarabel.ExponentialConeT() for _ in range(nodes)],
    ]
    cost = numpy.r_[numpy.full(pairs, 2.0), numpy.full(nodes, -1.0)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    # As for L-ADMM: a relative gap of 1e-4.
    settings.tol_gap_rel = settings.tol_gap_abs = 1e-4
    settings.tol_feas = 1e-6
    quadratic = none((pairs + nodes, pairs + nodes))
    start = time.perf_counter()
    solution = clarabel.DefaultSolver(quadratic, cost, matrix, b, cones, settings).solve()
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "iterations": solution.iterations,
        "objective": solution.obj_val,
        "solved": str(solution.status) in ("Solved", "AlmostSolved"),
    }


for line in sys.stdin:
    print(json.dumps(solve(**json.loads(line))), flush=True)
