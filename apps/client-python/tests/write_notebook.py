"""Executes docs/notebook.ipynb and stores what it shows: `python tests/write_notebook.py`, with the extra `notebook`."""

import os
from pathlib import Path

import nbclient
import nbformat

notebook = Path(__file__).parents[3] / "docs" / "notebook.ipynb"
command = Path(__file__).parents[2] / "cli" / "bin" / "fedclair.js"


def execute():
    """Executes the notebook. :returns: it with what it shows, without progress and without paths of this machine"""
    document = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(document, timeout=120, kernel_name="python3").execute()
    for cell in document.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [output for output in cell.outputs if output.output_type != "stream"]
            cell.metadata.pop("execution", None)
            for output in cell.outputs:
                output.execution_count = None
                if output.data["text/plain"].startswith("Run("):
                    del output.data["text/plain"]
    return document


if __name__ == "__main__":
    os.environ.setdefault("FEDCLAIR_COMMAND", str(command))
    nbformat.write(execute(), notebook)
