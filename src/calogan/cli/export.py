"""calogan export: models for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["EPILOG", "export"]

EPILOG = "Example: calogan export --format triton triton-models eplus gamma piplus"


class Format(StrEnum):
    """What to export to."""

    triton = "triton"


class Kind(StrEnum):
    """What Triton runs the models on."""

    auto = "auto"
    cpu = "cpu"
    gpu = "gpu"


def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; what is there stays.")],
    names: Annotated[
        list[str],
        typer.Argument(help="Models (eplus, eplus@2), or folders of bundles.", metavar="NAME..."),
    ],
    format_: Annotated[
        Format,
        typer.Option("--format", help="triton: a model repository of NVIDIA Triton."),
    ] = Format.triton,
    max_batch: Annotated[int, typer.Option(help="Most showers in one call of a network.")] = 1024,
    delay: Annotated[
        int, typer.Option(help="Microseconds that a request may wait to be batched with others.")
    ] = 500,
    instances: Annotated[int, typer.Option(help="Copies of each network side by side.")] = 1,
    kind: Annotated[
        Kind, typer.Option(help="What runs them; auto: GPUs where there are any.")
    ] = Kind.auto,
    threads: Annotated[int | None, typer.Option(help="Threads of each copy on the CPU.")] = None,
) -> None:
    """Export models to another program: NVIDIA Triton, for those who outgrow one machine."""
    from calogan.bundle import find_bundle, list_bundles
    from calogan.bundle.triton import TritonOptions, export_triton
    from calogan.errors import ModelError

    assert format_ is Format.triton  # there is no other yet
    options = TritonOptions(max_batch, delay, instances, kind.value, threads)
    bundles = []
    for name in names:
        path = find_bundle(name)
        if path is None:
            known = ", ".join(list_bundles()) or "none is installed"
            msg = f"no model {name!r}: give one of {known}, or the folder of a model bundle"
            raise ModelError(msg)
        bundles.append(path)
    for version in export_triton(folder, bundles, options):
        typer.echo(f"{version.parent.name} version {version.name} -> {version}")
    typer.echo(f"serve them: tritonserver --model-repository={folder}")
