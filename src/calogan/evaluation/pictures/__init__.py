"""Pictures that compare showers; each takes showers or arrays and returns a figure."""

from __future__ import annotations
