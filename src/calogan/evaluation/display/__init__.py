"""The event display: single showers in three dimensions, in a page that needs no network."""

from __future__ import annotations

from importlib.util import find_spec

from calogan.errors import MissingExtraError

if any(find_spec(name) is None for name in ("jinja2", "matplotlib", "plotly")):
    what = "calogan show"
    raise MissingExtraError(what, "evaluate")

from calogan.evaluation.display.events import Choice, parse_events
from calogan.evaluation.display.page import event_display
from calogan.evaluation.display.sources import show

__all__ = ["Choice", "event_display", "parse_events", "show"]
