from pathlib import Path

import pytest

from test_fedclair import command, pytestmark  # noqa: F401

notebook = Path(__file__).parents[3] / "docs" / "notebook.ipynb"


def test_the_notebook_in_docs_runs_and_flags_the_contaminated_clients(monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("FEDCLAIR_COMMAND", str(command))
    document = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(document, timeout=120, kernel_name="python3").execute()
    shown = {cell.source: cell.outputs for cell in document.cells if cell.cell_type == "code"}
    html = "".join(_data(outputs, "text/html") for outputs in shown.values())
    assert "4 contaminated" in html and "<svg" in html
    flagged = next(outputs for source, outputs in shown.items() if source.endswith("result.flagged"))
    assert _data(flagged, "text/plain") == "['client-03', 'client-08']"


def _data(outputs, kind):
    return "".join(output.data.get(kind, "") for output in outputs if "data" in output)
