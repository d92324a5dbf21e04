"""Runs trials and reads their results."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from contextlib import contextmanager
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Union

from fedclair_host import load as host_load
from fedclair_host.client import Client

from .command import FedclairError, call
from .host_here import run_here
from .json_text import to_json
from .progress import Progress
from .run_html import run_html
from .tables import pandas, read_table

if TYPE_CHECKING:
    from pandas import DataFrame

StrPath = Union[str, "PathLike[str]"]

_VERDICT_COLUMNS = {"verdict": "status"}
"""Columns of the exported clients that have another name in Python."""


class Run:
    """The run of a trial in a folder. Tables are pandas DataFrames, read when they are first asked for."""

    def __init__(self, folder: StrPath):
        """:param folder: the run folder"""
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """The summary of the run; ``summary["measures"]`` has its numbers by name, as ``detection.recall``."""
        summary: Mapping[str, Any] = json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))
        return summary

    @property
    def verdicts(self) -> DataFrame:
        """One row per arm, round and client that has a verdict, with the columns arm, round, client, truth, attack, status, score,
        threshold and reason, and first run and seed if there are several. Higher scores stand out more."""
        columns = [*self._of_several, "arm", "round", "client", "truth", "attack", "verdict", "score", "threshold", "reason"]
        clients = self.clients
        return clients[clients["verdict"].notna()][columns].rename(columns=_VERDICT_COLUMNS).reset_index(drop=True)

    @property
    def metrics(self) -> DataFrame:
        """One row per arm, round and metric: arm, round, metric, value, and first run and seed if there are several."""
        rounds = self.rounds
        names = [*self._of_several, "arm", "round"]
        numbers = [name for name in rounds.select_dtypes("number").columns if name not in names]
        long = rounds.melt(id_vars=names, value_vars=numbers, var_name="metric")
        return long.dropna(subset=["value"]).reset_index(drop=True)

    @property
    def clients(self) -> DataFrame:
        """One row per arm, round and client, as exported by ``fedclair export --to csv``."""
        return self._tables["clients"]

    @property
    def rounds(self) -> DataFrame:
        """One row per arm and round, as exported by ``fedclair export --to csv``."""
        return self._tables["rounds"]

    @cached_property
    def figures(self) -> Mapping[str, str]:
        """The figures of the report as SVG, by name; ``scores`` has the scores of all clients, round by round."""
        folder = self.folder / "figures"
        if not folder.is_dir():
            call(["report", str(self.folder)])
        return {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.svg"))}

    def _repr_html_(self) -> str:
        return run_html(self)

    @property
    def _of_several(self) -> list[str]:
        """The columns that tell the runs of a trial with several seeds apart."""
        return [name for name in ("run", "seed") if name in self.rounds]

    @cached_property
    def _tables(self) -> Mapping[str, DataFrame]:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "tables"
            call(["export", str(self.folder), "--to", "csv", "--out", str(out)])
            return {name: read_table(out / f"{name}.csv") for name in ("clients", "rounds")}


def run(
    trial: StrPath | Mapping[str, Any],
    clients: str | Callable[[int], Client] | None = None,
    *,
    hosts: int | None = None,
    out: StrPath | None = None,
    set: Mapping[str, Any] | None = None,
    device: str | None = None,
    report: bool = False,
    progress: bool = True,
) -> Run:
    """Runs a trial with all its clients on this machine. Python hosts use this interpreter.

    :param trial: a trial file, or its content
    :param clients: what creates a client from its index, 0 … number of clients - 1: the name ``"module:function"`` of something in the
        working directory, or a function or class, for example of a notebook, which runs in a thread of this process; default: as in
        the trial. A function creates the external clients of the trial.
    :param hosts: number of host processes; default: one per core
    :param out: the run folder; default: a new one in a temporary folder
    :param set: changes of the trial by path, as ``{"rounds": 3, "task.metrics": {}}``
    :param device: device of PyTorch models: cpu, cuda or auto
    :param report: whether to write report.html and its figures
    :param progress: whether to show the rounds: as a bar in terminals and notebooks, otherwise as lines on stderr
    :raises FedclairError: with the command's message and exit code
    :raises TypeError: if `clients` is none of these, or the trial has values that YAML lacks
    :raises ValueError: if a function is to run in several hosts, or in a folder that holds a run, which may be of another function"""
    if host_load.loading is not None:
        raise FedclairError(
            f'{host_load.loading}: a host imports this module, and that must not run a trial: put fedclair.run below `if __name__ == "__main__":`', 2
        )
    if clients is not None and not isinstance(clients, str) and not callable(clients):
        raise TypeError(f'clients: expected a function or class, or a name like "model:make_client", got {type(clients).__name__}')
    folder = Path(tempfile.mkdtemp(prefix="fedclair-")) / "run" if out is None else Path(out)
    # Paths in a dict start from the working directory, as those of changes do, and not from its temporary file.
    own = {key: trial[key] for key in ("task", "plugins") if key in trial} if isinstance(trial, Mapping) else {}
    changes = {**own, **(set or {})}
    if isinstance(clients, str):
        changes["python"] = {"clients": clients, "folder": str(Path.cwd())}
    options = ["--out", str(folder), "--json", *([] if report else ["--no-report"])]
    for path, value in changes.items():
        options += ["--set", f"{path}={to_json(value, path)}"]
    with Progress(progress) as shown, _as_file(trial) as file:
        if callable(clients):
            if (folder / "run.json").exists():
                raise ValueError(f"out: '{folder}' holds a run, which may be of another function: choose another folder, or open it by fedclair.open_run")
            if hosts not in (None, 1):
                raise ValueError(
                    f"clients: a function runs in one host, in this process; for hosts={hosts} it must be importable: "
                    'write it into a module, for example model.py, and pass clients="model:make_client"'
                )
            run_here(file, clients, options, device, shown.show)
        else:
            options += ["--python", sys.executable]
            options += [] if hosts is None else ["--hosts", str(hosts)]
            options += [] if device is None else ["--device", device]
            call(["run", file, *options], on_line=shown.show)
    return Run(folder)


@contextmanager
def _as_file(trial: StrPath | Mapping[str, Any]) -> Iterator[str]:
    """The path of a trial, which is in a temporary file if only its content is known."""
    if not isinstance(trial, Mapping):
        yield str(trial)
        return
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "trial.yaml"
        file.write_text(to_json(trial, "trial"), encoding="utf-8")
        try:
            yield str(file)
        except FedclairError as error:
            # Nobody knows that file, and a dict has no lines.
            text = re.sub(rf"{re.escape(str(file))}(:\d+:\d+)?: (trial: )?", "trial: ", str(error))
            raise FedclairError(text, error.exit_code) from None


def open_run(folder: StrPath) -> Run:
    """Opens the run in a folder. :raises FileNotFoundError: if the run has no summary, because it is not finished"""
    opened = Run(folder)
    opened.summary
    return opened


def audit(folder: StrPath) -> DataFrame:
    """Judges the LoRA adapters in a folder, like ``fedclair audit``. :returns: one row per adapter; none is
    benign if fewer than ten can be compared
    :raises FedclairError: with the command's message and exit code"""
    too_few = 3
    found = json.loads(call(["audit", str(folder), "--json"], accepted=(0, too_few)))
    return pandas().json_normalize(found["adapters"])

