import json
from pathlib import Path

import pytest

import fedclair
from fedclair.command import call

command = Path(__file__).parents[2] / "cli" / "bin" / "fedclair.js"
pytestmark = pytest.mark.skipif(not (command.parents[1] / "dist").exists(), reason="fedclair is not built: npm run build")

trial = {
    "name": "twelve",
    "rounds": 2,
    "clients": 12,
    "task": {"name": "external", "metrics": {"size": {"better": "lower"}}},
    "aggregator": {"name": "clair", "rank": 1},
    "attacks": [{"attack": {"name": "gaussian-update"}, "clients": ["c01", "c04"]}],
}

clients = """
import numpy as np
from fedclair_host import Client, Update

class Own(Client):
    def __init__(self, index):
        self.rng = np.random.default_rng(index)

    def initial(self, job):
        return {"w": np.zeros((8, 6))}

    def train(self, params, job):
        b = np.outer(np.arange(1.0, 9), self.rng.normal(1, 0.2, 6))
        return Update(10, {"w": b - params["w"] + 0.01 * self.rng.normal(size=(8, 6))})

    def evaluate(self, params, job):
        return Update(10, metrics={"size": float(np.abs(params["w"]).sum())})
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FEDCLAIR_COMMAND", str(command))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_clients.py").write_text(clients)
    return tmp_path


def test_a_trial_runs_and_its_tables_are_data_frames(folder, capfd):
    pandas = pytest.importorskip("pandas")
    run = fedclair.run(trial, clients="own_clients:Own", hosts=2, set={"rounds": 1}, progress=False)
    assert "round 1" not in capfd.readouterr().err
    assert run.summary["measures"]["detection.recall"] == 1
    verdicts = run.verdicts
    assert list(verdicts.columns) == ["arm", "round", "client", "truth", "attack", "status", "score", "threshold", "reason"]
    assert set(verdicts[verdicts.status == "contaminated"].client) == {"c01", "c04"}
    assert set(verdicts[verdicts.attack == "gaussian-update"].client) == {"c01", "c04"}
    metrics = run.metrics.set_index(["arm", "round", "metric"]).value
    assert metrics["clair", 1, "clients/flagged"] == 2
    again = fedclair.open_run(run.folder)
    pandas.testing.assert_frame_equal(again.verdicts, verdicts)


def test_a_failure_is_an_exception_with_the_text_of_the_command(folder, capfd):
    with pytest.raises(fedclair.FedclairError, match="rounds: .*expected") as failed:
        fedclair.run({**trial, "rounds": 0}, clients="own_clients:Own")
    assert failed.value.exit_code == 2
    assert "rounds" in capfd.readouterr().err
    (folder / "broken.py").write_text("raise RuntimeError('no data')")
    with pytest.raises(fedclair.FedclairError, match="broken:make cannot be imported"):
        fedclair.run(trial, clients="broken:make", hosts=1, progress=False)
    with pytest.raises(FileNotFoundError):
        fedclair.open_run(folder)


def test_a_missing_command_is_explained(folder, monkeypatch):
    monkeypatch.delenv("FEDCLAIR_COMMAND")
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(fedclair.FedclairError, match="npm install fedclair"):
        fedclair.run(trial)


def test_the_progress_is_shown(folder, capfd):
    assert json.loads(call(["list", ".", "--json"], show_progress=True)) is not None
