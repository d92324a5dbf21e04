"""Writes libs/rules/fixtures/mods/epsilon.json: the results of opacus 1.6.0 and dp-accounting 0.6.0.

    python3 -m venv /tmp/privacy && . /tmp/privacy/bin/activate
    pip install numpy scipy attrs absl-py mpmath dm-tree && pip install --no-deps opacus==1.6.0 dp-accounting==0.6.0
    python scripts/privacy-cases.py > libs/rules/fixtures/mods/epsilon.json

PyTorch is not needed, because only the accountant's module of opacus is loaded. dp-accounting computes
only whole orders here: between them it adds up the terms of its series without their signs, which is an
upper bound of the divergence.
"""

import importlib.util
import json
from pathlib import Path

import dp_accounting
from dp_accounting.rdp import RdpAccountant

spec = importlib.util.find_spec("opacus")
path = Path(spec.origin).parent / "accountants" / "analysis" / "rdp.py"
spec = importlib.util.spec_from_file_location("opacus_rdp", path)
opacus = importlib.util.module_from_spec(spec)
spec.loader.exec_module(opacus)

# opacus.accountants.rdp.RDPAccountant.DEFAULT_ALPHAS
orders = [1 + x / 10.0 for x in range(1, 100)] + list(range(12, 64))
shown = [1.1, 1.5, 2, 3.7, 10.9, 32, 63]


def case(noise_multiplier, sampling_rate, rounds, delta):
    known = {"q": sampling_rate, "noise_multiplier": noise_multiplier, "steps": rounds}
    rdp = opacus.compute_rdp(**known, orders=orders)
    by_opacus, _ = opacus.get_privacy_spent(orders=orders, rdp=rdp, delta=delta)
    event = dp_accounting.GaussianDpEvent(noise_multiplier)
    if sampling_rate < 1:
        event = dp_accounting.PoissonSampledDpEvent(sampling_rate, event)
    accountant = RdpAccountant([order for order in orders if order == int(order)])
    accountant.compose(event, rounds)
    return {
        "noiseMultiplier": noise_multiplier,
        "samplingRate": sampling_rate,
        "rounds": rounds,
        "delta": delta,
        "rdp": {str(order): float(opacus.compute_rdp(**known, orders=[order])[0]) for order in shown},
        "opacus": float(by_opacus),
        "dpAccounting": float(accountant.get_epsilon(delta)),
    }


cases = [
    case(noise_multiplier, sampling_rate, rounds, delta)
    for noise_multiplier in [0.3, 0.5, 0.7, 1.0, 1.1, 2.0, 5.0]
    for sampling_rate in [0.001, 0.01, 0.1, 0.5, 0.9, 1.0]
    for rounds, delta in [(1, 1e-5), (10, 1e-4), (100, 1e-5), (10_000, 1e-7)]
]
print(json.dumps(cases, indent=1))
