"""Many showers, or jets, over many workers, in chunks: the same file whatever happens on the way.

Chunk k holds the items `[k * size, (k + 1) * size)` and draws from its own random stream,
which the seed and k fix. Neither the number of workers, nor their speed, nor a production that
was killed and continued changes the file: the same seed gives the same bytes.
"""

from __future__ import annotations

from calogan.production.chunks import Chunk, chunks_of, incident_rng
from calogan.production.cluster import Cluster, read_cluster
from calogan.production.goods import Goods, fingerprint
from calogan.production.outcome import Failure, Production
from calogan.production.parts import pending_seed
from calogan.production.producing import make
from calogan.production.showers import produce

__all__ = [
    "Chunk",
    "Cluster",
    "Failure",
    "Goods",
    "Production",
    "chunks_of",
    "fingerprint",
    "incident_rng",
    "make",
    "pending_seed",
    "produce",
    "read_cluster",
]
