"""Reading and writing showers."""

from __future__ import annotations

from calogan.files.formats import create_showers_file, open_showers_file, read_showers
from calogan.files.paper import ShowerFile
from calogan.files.writer import ShowerWriter, write_showers

__all__ = [
    "ShowerFile",
    "ShowerWriter",
    "create_showers_file",
    "open_showers_file",
    "read_showers",
    "write_showers",
]
