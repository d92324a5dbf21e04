"""Training texts of clients and base: four kinds, in documents of one author, book part or package."""

from __future__ import annotations

import pydoc_data.topics
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from transformers import PreTrainedTokenizerBase

Documents = dict[str, str]
"""Text by name."""

SMALLEST = 12_000
"""Characters of the shortest document that is used."""

LARGEST = 60_000
"""Largest number of characters used of a document."""


def kinds(folder: Path) -> dict[str, Documents]:
    """All kinds of texts, by name.

    :param folder: has a folder per kind (`speeches`, `novel`) with a text file per document; `code`
        and `manual` come with Python
    """
    found = {path.name: _files(path) for path in sorted(folder.iterdir()) if path.is_dir()}
    found["code"] = _code(Path(sysconfig.get_paths()["stdlib"]))
    found["manual"] = _manual()
    return {kind: _fit(documents) for kind, documents in found.items()}


def for_base(documents: Documents) -> Documents:
    """Every second document. The base is trained on these, and no client is."""
    return dict(list(documents.items())[1::2])


def for_clients(documents: Documents) -> Documents:
    """The other documents, one per client."""
    return dict(list(documents.items())[::2])


def sequences(text: str, tokenizer: PreTrainedTokenizerBase, length: int) -> list[list[int]]:
    """A text as token sequences of one length, without the remainder at its end."""
    tokens = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return [tokens[i : i + length] for i in range(0, len(tokens) - length + 1, length)]


def _fit(documents: Documents) -> Documents:
    return {name: text[:LARGEST] for name, text in documents.items() if len(text) >= SMALLEST}


def _files(folder: Path) -> Documents:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))}


def _code(library: Path) -> Documents:
    """The sources of Python's own library, one document per package or module."""
    left_out = {"site-packages", "test", "lib2to3", "encodings", "pydoc_data", "__pycache__"}
    entries = [path for path in sorted(library.iterdir()) if path.name not in left_out]
    return {path.stem: "\n".join(_sources(path)) for path in entries if not path.name.startswith("_")}


def _sources(path: Path) -> Iterator[str]:
    files = sorted(path.glob("*.py")) if path.is_dir() else [path] if path.suffix == ".py" else []
    for file in files:
        yield file.read_text(encoding="utf-8", errors="replace")


def _manual() -> Documents:
    """The topics of Python's manual. Short ones are joined until they are long enough."""
    documents: Documents = {}
    names: list[str] = []
    text = ""
    for name, topic in sorted(pydoc_data.topics.topics.items()):
        names.append(name)
        text += topic
        if len(text) >= SMALLEST:
            documents[names[0]] = text
            names, text = [], ""
    return documents
