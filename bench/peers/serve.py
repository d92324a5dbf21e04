"""Serves one bench to Node: `serve.py MODULE`, with its options as a line of JSON on stdin.

Answers with versions, and runs the bench once for every further line. A module has
`prepare(**options)`, which returns the function to be timed. That function may return facts: numbers by
name.
"""

import importlib
import json
import sys
import time

answers, sys.stdout = sys.stdout, sys.stderr  # so that the output of libraries is not read as an answer


def versions():
    """Versions of the imported packages, and the kernel that NumPy uses to multiply."""
    known = {"Python": sys.version.split()[0]}
    for name, label in (("numpy", "NumPy"), ("torch", "PyTorch")):
        if name in sys.modules:
            known[label] = sys.modules[name].__version__
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    from threadpoolctl import threadpool_info

    for pool in threadpool_info():
        if pool["internal_api"] == "openblas":
            known["OpenBLAS"] = f"{pool['version']} {pool.get('architecture', '')}".strip()
    return known


def answer(value):
    print(json.dumps(value), file=answers, flush=True)


module = importlib.import_module(sys.argv[1])
run = module.prepare(**json.loads(sys.stdin.readline()))
answer({"versions": versions()})
for _ in sys.stdin:
    start = time.perf_counter()
    facts = run()
    answer({"ms": 1000 * (time.perf_counter() - start), "facts": facts or {}})
