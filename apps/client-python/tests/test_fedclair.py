import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fedclair
from fedclair.command import call
from fedclair_command import command as find_command
from fedclair.progress import Progress

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


def test_an_installation_from_a_checkout_runs_its_command_in_every_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FEDCLAIR_COMMAND", raising=False)
    monkeypatch.chdir(tmp_path)
    # What lies in the working directory may be somebody else's.
    local = tmp_path / "node_modules/.bin/fedclair"
    local.parent.mkdir(parents=True)
    local.write_text("#!/bin/sh\necho foreign")
    local.chmod(0o755)
    assert find_command()[1] == str(command)
    assert metadata.version("fedclair") == "0+source"


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
    run = fedclair.run(trial, clients="own_clients:Own", hosts=2, set={"rounds": np.int64(1)}, progress=False)
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


def test_tables_tell_the_seeds_of_a_study_apart(folder):
    pytest.importorskip("pandas")
    study = fedclair.run({**trial, "rounds": 1, "seeds": 2}, clients="own_clients:Own", progress=False)
    for table in (study.verdicts, study.metrics):
        assert list(table.columns[:4]) == ["run", "seed", "arm", "round"]
    assert study.verdicts.groupby("seed").client.count().to_dict() == {1: 12, 2: 12}
    assert "seed" not in set(study.metrics.metric)
    assert study._repr_html_().count("<svg") >= 1


def test_a_failure_is_an_exception_with_the_text_of_the_command(folder, capfd):
    with pytest.raises(fedclair.FedclairError, match="^error: trial: rounds: .*expected") as failed:
        fedclair.run({**trial, "rounds": 0}, clients="own_clients:Own")
    assert failed.value.exit_code == 2
    assert "rounds" in capfd.readouterr().err
    (folder / "broken.py").write_text("raise RuntimeError('no data')")
    with pytest.raises(fedclair.FedclairError, match="broken:make cannot be imported"):
        fedclair.run(trial, clients="broken:make", hosts=1, progress=False)
    (folder / "lacking.py").write_text("import nowhere")
    with pytest.raises(fedclair.FedclairError, match=r"lacking:make cannot be imported\n.*lacking.py\", line 1[^$]*No module named 'nowhere'"):
        fedclair.run(trial, clients="lacking:make", hosts=1, progress=False)
    with pytest.raises(FileNotFoundError):
        fedclair.open_run(folder)


def test_a_script_that_its_own_hosts_import_does_not_run_again(folder):
    (folder / "script.py").write_text(f"import fedclair\nfedclair.run({trial}, clients='script:Own', hosts=1, progress=False)")
    done = subprocess.run([sys.executable, "script.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.search(r'script:Own: a host imports this module.*below `if __name__ == "__main__":`', done.stderr)


def test_a_missing_command_is_explained(folder, monkeypatch):
    monkeypatch.delenv("FEDCLAIR_COMMAND")
    monkeypatch.setattr("fedclair_command.__file__", str(folder / "command.py"))  # the wheel has the command beside it
    monkeypatch.setattr("fedclair_command._checkout", lambda: None)
    with pytest.raises(fedclair.FedclairError, match="name it in FEDCLAIR_COMMAND"):
        fedclair.run(trial)


def test_lines_of_the_command_are_passed_on(folder):
    lines = []
    assert json.loads(call(["list", ".", "--json"], on_line=lines.append)) is not None
    with pytest.raises(fedclair.FedclairError):
        call(["list", "none"], on_line=lines.append)
    assert any("none" in line for line in lines)


def test_a_function_runs_in_this_process_and_gives_the_same_bytes(folder):
    pytest.importorskip("pandas")
    own: dict[str, Any] = {"__name__": "__main__"}
    exec(clients, own)  # as a notebook does
    runs = [fedclair.run(trial, clients=made, hosts=1, progress=False) for made in (own["Own"], "own_clients:Own")]
    here, there = ((run.folder / "records.jsonl").read_bytes() for run in runs)
    assert here == there
    with pytest.raises(ValueError, match="for hosts=2 it must be importable"):
        fedclair.run(trial, clients=own["Own"], hosts=2)
    with pytest.raises(TypeError, match="clients: expected a function or class, .* got list"):
        fedclair.run(trial, clients=[own["Own"](0)])
    with pytest.raises(TypeError, match="trial: set cannot be written: expected numbers"):
        fedclair.run({**trial, "external": {"c00"}}, clients=own["Own"])
    with pytest.raises(ValueError, match="holds a run, which may be of another function"):
        fedclair.run(trial, clients=own["Own"], out=runs[0].folder)


def test_a_function_takes_part_beside_simulated_clients(folder):
    pytest.importorskip("pandas")
    mixed = {
        "name": "mixed",
        "rounds": 1,
        "clients": 6,
        "task": {"name": "linear-regression", "p": 8, "q": 6, "rank": 1},
        "external": ["c01", "c04"],
        "aggregator": {"name": "fedavg"},
    }
    own: dict[str, Any] = {}
    exec(clients.replace('"w"', '"weights"').replace('"size"', '"error"'), own)
    run = fedclair.run(mixed, clients=own["Own"], progress=False)
    assert sorted(run.clients.client) == [f"c0{i}" for i in range(6)]
    assert run.summary["backend"].endswith(" and python-numpy")
    with pytest.raises(fedclair.FedclairError, match="all clients of the trial are simulated"):
        fedclair.run({key: mixed[key] for key in mixed if key != "external"}, clients=own["Own"], progress=False)
    with pytest.raises(fedclair.FedclairError, match="several seeds"):
        fedclair.run({**mixed, "seeds": 2}, clients=own["Own"], progress=False)


def test_a_refused_host_ends_the_run(folder):
    attacked = {**trial, "attacks": [{"attack": {"name": "label-flip"}, "clients": ["c01"]}]}
    own: dict[str, Any] = {}
    exec(clients, own)
    with pytest.raises(fedclair.FedclairError, match="label-flip"):
        fedclair.run(attacked, clients=own["Own"], progress=False)
    # The text of an exception is for people: log lines of the command are JSON.
    with pytest.raises(fedclair.FedclairError, match="(?m)^refused a host .*label-flip"):
        fedclair.run(attacked, clients="own_clients:Own", hosts=1, progress=False)


def test_a_run_shows_tables_and_figures(folder):
    pytest.importorskip("pandas")
    html = fedclair.run(trial, clients="own_clients:Own", hosts=1, set={"rounds": 1}, progress=False)._repr_html_()
    assert "Verdicts of the last round: 10 benign, 2 contaminated" in html
    assert html.count("<svg") >= 2 and "<td>c04</td>" in html


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(monkeypatch, capsys):
    lines = ["2 rounds in all\n", '{"level":30,"msg":"joined"}\n', "clair round 1: flagged c1\n", '{"level":40,"msg":"slow"}\n', "odd\n"]
    with Progress(True) as progress:
        for line in lines:
            progress.show(line)
    assert capsys.readouterr().err == "2 rounds in all\nclair round 1: flagged c1\nslow\nodd\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress(True) as progress:
        for line in lines:
            progress.show(line)
    shown = capsys.readouterr().err
    assert "1/2" in shown and "clair round 1: flagged c1" in shown and "slow\n" in shown and "odd\n" in shown
    with Progress(False) as progress:
        progress.show("odd\n")
    assert capsys.readouterr().err == ""
