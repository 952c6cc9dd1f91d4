"""The notebooks run from top to bottom on what ships, without a complaint, and show their figures."""

from __future__ import annotations

import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"

FIGURES = {"first_look": 4, "jet_images": 17, "paper_figures": 47}
"""How many figures each shows."""

FILES = {
    "first_look": ("report/index.html", "report/metrics.json", "event.html", "shapes.parquet"),
    "jet_images": ("report/index.html", "report/metrics.json"),
    "paper_figures": ("computing_time.png",),
}
"""What each writes into its folder."""

SMALLEST_FIGURE = 20_000
"""Bytes: one with empty axes has about 11 000."""


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def read(name: str) -> Any:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=nbformat.NO_CONVERT)


def figures_of(output: Any) -> list[bytes]:
    """PNGs of an output: one of its own, or those within HTML."""
    data = output.get("data", {})
    if "image/png" in data:
        return [b64decode(data["image/png"])]
    inside = re.findall(r'src="data:image/png;base64,([^"]+)"', data.get("text/html", ""))
    return [b64decode(one) for one in inside]


def test_these_are_all_notebooks() -> None:
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_it_is_kept_without_outputs(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in code_cells(notebook):
        assert not cell.outputs, cell.id
        assert cell.execution_count is None, cell.id


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_it_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    notebook = read(name)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    outputs = [(cell.id, output) for cell in code_cells(notebook) for output in cell.outputs]
    assert [(cell, one.text) for cell, one in outputs if one.get("name") == "stderr"] == []
    figures = [figure for _, output in outputs for figure in figures_of(output)]
    assert len(figures) == FIGURES[name]
    assert min(map(len, figures)) > SMALLEST_FIGURE
    for file in FILES[name]:
        assert (tmp_path / f"{name}_files" / file).is_file()
