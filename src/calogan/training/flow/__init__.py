"""Training of the flow: three stages, each by its likelihood, one bundle at the end."""

from __future__ import annotations

from calogan.training.flow.configuration import FlowConfig, make_flow_config

__all__ = ["FlowConfig", "make_flow_config"]
