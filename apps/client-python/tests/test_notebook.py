import pytest

from test_fedclair import command, pytestmark  # noqa: F401


def test_the_notebook_in_docs_runs_and_shows_what_is_stored(monkeypatch):
    for name in ("nbclient", "nbformat", "ipykernel"):
        pytest.importorskip(name)
    import nbformat
    from write_notebook import execute, notebook

    monkeypatch.setenv("FEDCLAIR_COMMAND", str(command))
    shown, stored = _shown(execute()), _shown(nbformat.read(notebook, as_version=4))
    html = "".join(data.get("text/html", "") for data in shown)
    assert "4 contaminated" in html and "<svg" in html
    assert "['client-03', 'client-08']" in [data.get("text/plain") for data in shown]
    # The figure of the costs has times.
    assert [data.get("text/plain") for data in shown] == [data.get("text/plain") for data in stored], "python tests/write_notebook.py stores it"


def _shown(document):
    return [output.data for cell in document.cells if cell.cell_type == "code" for output in cell.outputs]
