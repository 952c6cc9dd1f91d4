"""Reading and writing showers."""

from __future__ import annotations

from calogan.files.paper import ShowerFile, read_showers
from calogan.files.writer import ShowerWriter, write_showers

__all__ = ["ShowerFile", "ShowerWriter", "read_showers", "write_showers"]
