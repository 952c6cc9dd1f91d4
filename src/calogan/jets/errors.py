"""Errors of jet images that a user can cause."""

from __future__ import annotations

from calogan.errors import CaloganError

__all__ = ["JetError"]


class JetError(CaloganError):
    """Jet images that do not exist, do not fit together, or hold impossible values."""
