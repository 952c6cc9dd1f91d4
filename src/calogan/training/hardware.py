"""Where a training runs: one CPU or GPU, or several, here or on many computers."""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException

from calogan.errors import TrainingError

__all__ = ["Hardware", "make_fabric"]


class Hardware(Protocol):
    """Settings that say where a training runs: see `TrainingConfig`."""

    @property
    def accelerator(self) -> str:
        """Lightning Fabric's accelerator."""
        ...

    @property
    def devices(self) -> int:
        """Devices per node."""
        ...

    @property
    def num_nodes(self) -> int:
        """Computers that train together."""
        ...

    @property
    def precision(self) -> Literal["32-true", "bf16-mixed", "auto"]:
        """Numbers that products are made of."""
        ...


def make_fabric(config: Hardware) -> Fabric:
    """Set up Lightning Fabric.

    Several processes share each batch, and their gradients are averaged (DDP), through NCCL on
    GPUs and gloo on CPUs. A batch system (SLURM, torchrun) may have started them already;
    otherwise `launch` starts those of this computer.

    Raises:
        TrainingError: No such device, or one that does not know the precision.
    """
    several = config.devices * config.num_nodes > 1
    try:
        return Fabric(
            accelerator=config.accelerator,
            devices=config.devices,
            num_nodes=config.num_nodes,
            strategy="ddp" if several else "auto",
            precision=_precision(config),
        )
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        msg = f"cannot train on accelerator {config.accelerator!r}, devices {config.devices}: {reason}"
        raise TrainingError(msg) from error


def _precision(config: Hardware) -> Literal["32-true", "bf16-mixed"]:
    on_gpu = config.accelerator in ("auto", "cuda", "gpu") and torch.cuda.is_available()
    has_bf16 = on_gpu and torch.cuda.is_bf16_supported(including_emulation=False)
    if config.precision == "auto":
        return "bf16-mixed" if has_bf16 else "32-true"
    if config.precision == "bf16-mixed" and on_gpu and not has_bf16:
        msg = f"precision: {torch.cuda.get_device_name()} has no bf16: use 32-true, or auto"
        raise TrainingError(msg)
    return config.precision
