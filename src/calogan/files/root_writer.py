"""Writing showers in the ROOT layout of the original CaloGAN code: see `calogan.files.root`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np
import uproot

from calogan.calorimeter import Calorimeter
from calogan.errors import CalorimeterError, OutputError
from calogan.files.metadata import describe
from calogan.files.output import PiecewiseFile, whole_file
from calogan.files.root import INCIDENT_BRANCHES, INCIDENT_TREE, TREE
from calogan.showers import Showers

__all__ = ["MAX_BRANCHES", "RootWriter"]

MAX_BRANCHES = 10_000
"""More would take uproot hours to book: its time grows with the square of their number."""


class RootWriter(PiecewiseFile):
    """Writes showers piece by piece to a ROOT file that appears when all is there.

    Args:
        path: The file to make; an existing one is replaced at the end.
        calorimeter: Calorimeter of all showers.
        made_with: Configuration, versions, seed.

    Raises:
        OutputError: More cells than a tree with a branch for each can have.
    """

    def __init__(
        self, path: str | Path, calorimeter: Calorimeter, made_with: Mapping[str, Any]
    ) -> None:
        self.path, self.calorimeter, self.made_with = Path(path), calorimeter, dict(made_with)
        self._n_branches = calorimeter.n_cells + len(calorimeter.layers)
        if self._n_branches > MAX_BRANCHES:
            msg = (
                f"{path}: a ROOT tree with a branch for each of {calorimeter.n_cells} cells is not"
                f" practical (at most {MAX_BRANCHES}): use --to paper or --to calochallenge"
            )
            raise OutputError(msg)
        self._pdgids: set[int] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Open the temporary file."""
        with ExitStack() as stack:
            part = stack.enter_context(whole_file(self.path))
            self._file = stack.enter_context(uproot.recreate(part))
            names = [*(f"cell_{i}" for i in range(self._n_branches)), "TotalEnergy"]
            # mktree, for a plain assignment makes an RNTuple, which older programs do not read
            self._tree = self._file.mktree(TREE, dict.fromkeys(names, "f8"), title="Edep")
            kinds = {name: "i8" if name == "pdgid" else "f8" for name in INCIDENT_BRANCHES}
            self._incidents = self._file.mktree(INCIDENT_TREE, kinds, title="Incident particles")
            self._stack = stack.pop_all()
        return self

    def append(self, showers: Showers) -> None:
        """Add showers at the end."""
        if showers.calorimeter != self.calorimeter:
            msg = f"{self.path}: showers of another calorimeter ({showers.calorimeter.name})"
            raise CalorimeterError(msg)
        if not len(showers):
            return
        incident = showers.incident
        cells = np.concatenate([showers.cells, showers.overflow], axis=1).T.astype(np.float64)
        columns = {f"cell_{i}": cells[i] for i in range(self._n_branches)}
        self._tree.extend({**columns, "TotalEnergy": incident.energy_gev})
        beam = np.concatenate([incident.position_mm, incident.direction], axis=1).T
        rest = dict(zip(INCIDENT_BRANCHES[1:], np.ascontiguousarray(beam), strict=True))
        self._incidents.extend({"pdgid": np.ascontiguousarray(incident.pdgid), **rest})
        self._pdgids |= {int(i) for i in np.unique(incident.pdgid)}

    def _finish(self) -> None:
        texts = describe(self.calorimeter, self.made_with, self._pdgids)
        for name, text in texts.items():
            self._file[name] = text
