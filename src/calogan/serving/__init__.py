"""Showers over the network: a server of model bundles, and the simulator that asks it.

The server (`calogan serve`) speaks the Open Inference Protocol, version 2, over gRPC and HTTP.
`RemoteSimulator` is the client; `open_simulator("grpc://host:8001/eplus")` gives one.
"""

from __future__ import annotations

__all__: list[str] = []
