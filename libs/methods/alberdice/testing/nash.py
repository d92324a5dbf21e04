"""Writes fixtures/nash.json: gains of the best deviation by OpenSpiel, of random policies in games with a common payoff.

    pip install open_spiel==2.0.2 && python libs/methods/alberdice/testing/nash.py
"""

import json
from pathlib import Path

import numpy


def rounded(values, digits=6):
    return numpy.round(numpy.asarray(values, float), digits).tolist()


def cases():
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


text = ",\n".join(json.dumps(case) for case in cases())
(Path(__file__).parents[1] / "fixtures/nash.json").write_text(f"[\n{text}\n]\n")
