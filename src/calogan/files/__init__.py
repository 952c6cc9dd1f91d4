"""Reading and writing showers."""

from __future__ import annotations

from calogan.files.paper import ShowerFile, ShowerWriter, read_showers, write_showers

__all__ = ["ShowerFile", "ShowerWriter", "read_showers", "write_showers"]
