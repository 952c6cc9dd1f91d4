"""A cluster as plain, validated data: a YAML file that says where worker processes run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from calogan.errors import ConfigurationError

__all__ = ["PBS", "Cluster", "HTCondor", "Local", "Slurm", "read_cluster"]

Count = Annotated[int, Field(ge=1)]


def _seconds_to_text(value: object) -> object:
    """Undo YAML 1.1, which reads 02:00:00 without quotes as a number of seconds."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value // 3600:02}:{value // 60 % 60:02}:{value % 60:02}"
    return value


class _Workers(BaseModel):
    """What all have in common.

    Args:
        workers_per_node: Worker processes on each node; Geant4 needs one core for each.
        worker_init: Lines of shell that run on a node before its workers start, such as
            `source env/bin/activate`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers_per_node: Count = 1
    worker_init: str = ""


class Local(_Workers):
    """This machine.

    Args:
        executor: `processes`, or `threads` of this process, which simulate in turn: that tries a
            configuration out, and gains no time.
    """

    provider: Literal["local"]
    executor: Literal["processes", "threads"] = "processes"

    @property
    def nodes(self) -> int:
        """One."""
        return 1


class _Batch(_Workers):
    """A batch system: one job per node.

    Args:
        nodes: Jobs at a time; the production starts as soon as the first one runs.
        walltime: Longest time of a job, `HH:MM:SS`; when one ends, the next is submitted.
        memory_per_worker_gb: Memory to ask for, for each worker [GB].
        scheduler_options: Further lines for the head of the job's script, as the batch system
            takes them, such as `#SBATCH --exclude=node7`.
        address: Name or IP address of this machine as the nodes see it; all are tried if none
            is given.
    """

    nodes: Count = 1
    walltime: Annotated[str, BeforeValidator(_seconds_to_text)] = "01:00:00"
    memory_per_worker_gb: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    scheduler_options: str = ""
    address: str | None = None

    @field_validator("walltime")
    @classmethod
    def _is_time(cls, value: str) -> str:
        if not re.fullmatch(r"\d{1,3}:[0-5]\d:[0-5]\d", value) or not re.search("[1-9]", value):
            msg = f"{value!r} is no time such as '02:30:00' (hours, minutes, seconds)"
            raise ValueError(msg)
        return value

    @property
    def walltime_s(self) -> int:
        """Longest time of a job [s]."""
        hours, minutes, seconds = map(int, self.walltime.split(":"))
        return 3600 * hours + 60 * minutes + seconds

    @property
    def memory_per_node_gb(self) -> int:
        """Memory to ask for on each node [GB], rounded up."""
        return -int(-self.workers_per_node * self.memory_per_worker_gb // 1)


class Slurm(_Batch):
    """Slurm, through `sbatch`."""

    provider: Literal["slurm"]
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    exclusive: bool = False


class HTCondor(_Batch):
    """HTCondor, through `condor_submit`.

    Args:
        project: Accounting group.
        requirements: An expression that machines must fulfil, such as `Arch == "X86_64"`.
    """

    provider: Literal["htcondor"]
    project: str = ""
    requirements: str = ""


class PBS(_Batch):
    """PBS Professional or OpenPBS, through `qsub`.

    Args:
        select_options: Further parts of the line `-l select=`, such as `ngpus=0`.
    """

    provider: Literal["pbs"]
    queue: str | None = None
    account: str | None = None
    select_options: str = ""


Cluster = Local | Slurm | HTCondor | PBS
"""Where worker processes run."""

_PROVIDERS: dict[str, type[Cluster]] = {
    "local": Local,
    "slurm": Slurm,
    "htcondor": HTCondor,
    "pbs": PBS,
}
_ADAPTER: TypeAdapter[Cluster] = TypeAdapter(Annotated[Cluster, Field(discriminator="provider")])


def read_cluster(path: str | Path) -> Cluster:
    """Read a cluster from a YAML file.

    Raises:
        ConfigurationError: No such file, no YAML, an unknown key, or a value that makes no sense.
    """
    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        msg = f"cannot read the cluster {path}: {reason}"
        raise ConfigurationError(msg) from error
    known = ", ".join(_PROVIDERS)
    if not isinstance(values, dict):
        msg = f"{path}: expected a mapping with the key 'provider' ({known})"
        raise ConfigurationError(msg)
    provider = values.get("provider")
    if not isinstance(provider, str) or provider not in _PROVIDERS:
        msg = f"{path}: provider: {provider!r} is none of {known}"
        raise ConfigurationError(msg)
    try:
        return _ADAPTER.validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            keys = ", ".join(sorted(_PROVIDERS[provider].model_fields))
            reason = f"no such key for {provider}, which takes {keys}"
        msg = f"{path}: {place}: {reason}"
        raise ConfigurationError(msg) from error
