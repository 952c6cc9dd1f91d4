"""`calogan classify` and `calogan particle-id`: what a classifier makes of generated showers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.table import Table

    from calogan.evaluation.classifiers import PhysicsTable, TestResult

__all__ = ["EPILOG", "PARTICLE_ID_EPILOG", "classify", "particle_id"]

EPILOG = (
    "Examples: calogan classify eplus.h5 calogan-eplus; "
    "calogan classify eplus.h5 fast.h5 --floor more.h5 --inputs strict,high --json auc.json"
)
PARTICLE_ID_EPILOG = (
    "Example: calogan particle-id eplus.h5 gamma.h5 --generated calogan-eplus calogan-gamma"
)

Limit = Annotated[
    int | None,
    typer.Option("--limit", "-n", min=1, help="Take at most so many showers of each sample."),
]
Seeds = Annotated[int, typer.Option(min=1, help="Trainings of each classifier, with mean and sd.")]
Seed = Annotated[int, typer.Option(min=0, help="First of the seeds: fixes all that is random.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of the processor.")]
Target = Annotated[
    Path | None, typer.Option("--json", help="File to write all numbers to.", metavar="FILE")
]


def classify(
    reference: Annotated[
        str,
        typer.Argument(help="Showers as of Geant4: a file or sample:NAME.", metavar="REFERENCE"),
    ],
    candidates: Annotated[
        list[str],
        typer.Argument(
            help="Showers to be judged: files, or simulators, which make one shower for each of"
            " the reference.",
            metavar="CANDIDATE...",
        ),
    ],
    floor: Annotated[
        str | None,
        typer.Option(
            help="A second sample of the same kind as the reference; else its halves are compared.",
            metavar="FILE",
        ),
    ] = None,
    inputs: Annotated[
        str,
        typer.Option(help="What the network sees: any of these, with commas between."),
    ] = "low,low-normalised,high,strict",
    seeds: Seeds = 5,
    seed: Seed = 0,
    limit: Limit = None,
    threads: Threads = None,
    target: Target = None,
) -> None:
    """Train networks to tell showers from those of a reference; AUC 0.5 means that they cannot.

    Each figure stands beside its controls: the reference against itself (floor), and against a
    known bad candidate whose cells were shuffled among showers of like energy (ceiling).
    """
    from calogan.evaluation.classifiers import ClassifierSettings
    from calogan.evaluation.classifiers import classify as test
    from calogan.evaluation.classifiers.sources import read_candidates, read_sample

    kinds = [kind.strip() for kind in inputs.split(",") if kind.strip()]
    settings = ClassifierSettings(threads=threads)
    _check(target)
    with _telling() as (console, tell):
        real = read_sample(reference, limit)
        second = None if floor is None else read_sample(floor, limit)
        found = test(
            real,
            read_candidates(candidates, real, limit, seed),
            inputs=kinds,
            seeds=range(seed, seed + seeds),
            settings=settings,
            floor=second,
            progress=tell,
        )
    numbers = {"reference": reference, "floor": floor, "candidates": _all_numbers(found)}
    _save(target, numbers)
    for name, results in found.items():
        console.print(_table(f"{name} against {reference}", results))
        _explain(console, results)


def particle_id(
    signal: Annotated[
        str,
        typer.Argument(
            help="Simulated showers of the one particle: a file or sample:NAME.", metavar="SIGNAL"
        ),
    ],
    background: Annotated[
        str,
        typer.Argument(
            help="Simulated showers of the other particle: a file or sample:NAME.",
            metavar="BACKGROUND",
        ),
    ],
    generated: Annotated[
        tuple[str, str],
        typer.Option(
            help="Generated showers of both particles: files or simulators, which make one shower"
            " for each of the simulated ones.",
            metavar="SIGNAL BACKGROUND",
        ),
    ],
    inputs: Annotated[
        str, typer.Option(help="What the network sees: high, strict, low or low-normalised.")
    ] = "high",
    seeds: Seeds = 5,
    seed: Seed = 0,
    limit: Limit = None,
    threads: Threads = None,
    target: Target = None,
) -> None:
    """Tell two particles apart, trained and tested on simulated and on generated showers.

    The table of the CaloGAN paper: generated showers can stand in for simulated ones if all four
    accuracies agree.
    """
    from calogan.evaluation.classifiers import ClassifierSettings, physics_table
    from calogan.evaluation.classifiers.sources import read_particles

    _check(target)
    with _telling() as (console, tell):
        names, real, made = read_particles((signal, background), generated, limit, seed)
        found = physics_table(
            real,
            made,
            signal=names[0],
            background=names[1],
            inputs=inputs,
            seeds=range(seed, seed + seeds),
            settings=ClassifierSettings(threads=threads),
            progress=tell,
        )
    sources = {"reference": [signal, background], "generated": list(generated)}
    _save(target, sources | found.as_dict())
    console.print(_particle_table(found))
    if found.reason:
        console.print(f"Not conclusive: {found.reason}.", soft_wrap=True)


def _all_numbers(found: Mapping[str, Mapping[str, TestResult]]) -> dict[str, Any]:
    return {
        name: {kind: result.as_dict() for kind, result in results.items()}
        for name, results in found.items()
    }


def _save(target: Path | None, numbers: Mapping[str, Any]) -> None:
    """Write all numbers to a file, if one was asked for."""
    if target is None:
        return
    from calogan.files.output import whole_file

    with whole_file(target) as temporary:
        text = json.dumps(numbers, indent=1, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _check(target: Path | None) -> None:
    """Refuse a file that cannot be written before the work begins."""
    if target is not None:
        from calogan.files.output import check_writable

        check_writable(target)


@contextmanager
def _telling() -> Iterator[tuple[Console, Callable[[str], None]]]:
    """A console, and what tells the user on a terminal what is going on."""
    from rich.console import Console
    from rich.markup import escape

    console, errors = Console(), Console(stderr=True)
    with errors.status("reading") as status:
        yield console, lambda text: status.update(escape(text))


def _table(title: str, results: Mapping[str, TestResult]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD)
    table.add_column("inputs", no_wrap=True)
    for column in ("AUC", "JSD [bit]", "floor\nAUC", "ceiling\nAUC"):
        table.add_column(escape(column), justify="right", no_wrap=True)
    table.add_column("conclu-\nsive", no_wrap=True)
    for kind, result in results.items():
        table.add_row(
            kind,
            _spread(result.auc, result.auc_spread),
            _spread(result.jsd, result.jsd_spread),
            _spread(result.floor.auc, result.floor.auc_spread, places=2),
            _spread(result.ceiling.auc, result.ceiling.auc_spread),
            "yes" if result.conclusive else "[yellow]no[/]",
        )
    return table


def _explain(console: Console, results: Mapping[str, TestResult]) -> None:
    first = next(iter(results.values()))
    n = len(first.seeds)
    halves = ", of two halves of the reference" if first.controls.from_halves else ""
    console.print(
        f"{first.n_showers} showers of each kind; floor: {first.floor.n_showers}{halves}."
        f" {'One training' if n == 1 else f'Mean and spread of {n} trainings'}.",
        soft_wrap=True,
    )
    for kind, result in results.items():
        if result.reason:
            console.print(f"[yellow]{kind}: not conclusive:[/] {result.reason}.", soft_wrap=True)


def _particle_table(found: PhysicsTable) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    title = (
        f"{found.signal} or {found.background}: {found.n_showers} showers of each, {found.inputs}"
    )
    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD)
    table.add_column("trained on")
    table.add_column("tested on")
    table.add_column("accuracy [%]", justify="right", no_wrap=True)
    table.add_column("AUC", justify="right", no_wrap=True)
    for entry in found.entries:
        table.add_row(
            entry.trained_on,
            entry.tested_on,
            _spread(100 * entry.accuracy, 100 * entry.accuracy_spread, places=1),
            _spread(entry.auc, entry.auc_spread),
        )
    return table


def _spread(value: float, spread: float, *, places: int = 3) -> str:
    """Write a mean with the spread of the seeds, if there are several."""
    text = f"{value:z.{places}f}"
    return text if math.isnan(spread) else f"{text}±{spread:.{places}f}"
