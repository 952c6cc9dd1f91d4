"""`calogan compare`: put showers beside a reference, in numbers and pictures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from calogan.incident import Incident

__all__ = ["EPILOG", "compare"]

SIMULATORS = "Simulators"
CONTENTS = "What the report holds"
"""Panels of the help text."""

EPILOG = (
    "Examples: "
    "calogan compare eplus.h5 fast.h5 -o report; "
    "calogan compare sample:eplus calogan-eplus library:sample:eplus --quick; "
    "calogan compare geant4 calogan-eplus --particle e+ --energy 1:100 -n 500"
)


def compare(
    reference: Annotated[
        str,
        typer.Argument(
            help="The reference, as of Geant4: a file of showers, sample:NAME, or a simulator.",
            metavar="REFERENCE",
        ),
    ],
    candidates: Annotated[
        list[str],
        typer.Argument(
            help="One or more to compare with it: files, or simulators (geant4, a model, "
            "library:FILE), which make one shower for each of the reference's particles.",
            metavar="CANDIDATE...",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder of the report; an older report is replaced."),
    ] = Path("report"),
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name", help="Name in the report: once per sample, in their order.", metavar="TEXT"
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            min=1,
            help="Read at most so many showers of each file; or simulate so many.",
        ),
    ] = None,
    observables: Annotated[
        list[str] | None,
        typer.Option(
            help="Names, patterns or groups, with commas: 'sigma_*,f_1', group:hits; calogan "
            "observables FILE --list names them.",
            rich_help_panel=CONTENTS,
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="The table and distributions only.", rich_help_panel=CONTENTS),
    ] = False,
    paper: Annotated[
        bool,
        typer.Option(
            "--paper",
            help="The figures and tables of the CaloGAN paper, in its order.",
            rich_help_panel=CONTENTS,
        ),
    ] = False,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            "--beside",
            help="With --paper: reference and candidate of another particle, with a comma "
            "between them: sample:gamma,calogan-gamma",
            metavar="REFERENCE,CANDIDATE",
            rich_help_panel=CONTENTS,
        ),
    ] = None,
    floor: Annotated[
        str | None,
        typer.Option(
            help="A second, independent sample of the reference's simulation: a file, "
            "sample:NAME, or a simulator (geant4). It shows what agreement is.",
            rich_help_panel=CONTENTS,
        ),
    ] = None,
    classifiers: Annotated[
        bool,
        typer.Option(
            "--classifiers",
            help="Train networks to tell candidates from the reference: minutes.",
            rich_help_panel=CONTENTS,
        ),
    ] = False,
    seeds: Annotated[
        int,
        typer.Option(min=1, help="Trainings of each classifier.", rich_help_panel=CONTENTS),
    ] = 3,
    particle: Annotated[
        str | None,
        typer.Option(
            help="If no sample is a file: what is simulated, e+, gamma, ...",
            rich_help_panel=SIMULATORS,
        ),
    ] = None,
    energy: Annotated[
        str | None,
        typer.Option(
            help="And with which energies [GeV]: 50, 1:100, log:1:100, ...",
            rich_help_panel=SIMULATORS,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            help="Fixes all that is random: simulated showers, excerpts, bootstrap samples.",
            rich_help_panel=SIMULATORS,
        ),
    ] = 1,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; all cores unless given."),
    ] = None,
) -> None:
    """Compare showers with a reference: may these be used in its place? One page tells.

    Example: calogan compare sample:eplus calogan-eplus -o report
    """
    import os

    from calogan.cli.progress import progress_bar
    from calogan.evaluation import Settings, compare_files

    settings = Settings(
        observables=tuple(observables or ()),
        quick=quick,
        paper=paper,
        classifiers=classifiers,
        n_seeds=seeds,
        seed=seed,
        workers=workers or len(os.sched_getaffinity(0)),
    )
    incident = _incident([reference, *candidates], particle, energy, limit, seed)
    with progress_bar("") as progress:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done)

        metrics = compare_files(
            reference,
            candidates,
            output,
            names=name or (),
            limit=limit,
            floor=floor,
            beside=[_pair(text) for text in beside or ()],
            incident=incident,
            settings=settings,
            report=report,
        )
    _show(metrics, Path(output) / "index.html")


def _pair(text: str) -> tuple[str, str]:
    """Reference and candidate of another particle."""
    from calogan.errors import ConfigurationError

    first, _, second = text.partition(",")
    if not (first and second) or "," in second:
        msg = f"--beside {text}: give a reference and a candidate, with a comma between them"
        raise ConfigurationError(msg)
    return first, second


def _incident(
    sources: list[str], particle: str | None, energy: str | None, n: int | None, seed: int
) -> Incident | None:
    """Particles to simulate, if no source is a file that has them."""
    from calogan.cli.beams import BeamOptions, draw_incident
    from calogan.errors import ConfigurationError
    from calogan.evaluation.samples.opening import find_source

    found = [find_source(source) for source in sources]
    files = [one for one in found if isinstance(one, Path)]
    given = {"--particle": particle, "--energy": energy}
    said = [option for option, value in given.items() if value is not None]
    if files:
        if said:
            msg = f"{' and '.join(said)}: the particles are those of {files[0]}; leave that out"
            raise ConfigurationError(msg)
        return None
    # the most particular one knows its particle and energies; Geant4 knows neither
    simulators = [one for one in found if not isinstance(one, Path)]
    known = [one for one in simulators if getattr(one, "particle", None)]
    incident, _ = draw_incident(
        BeamOptions(particle=particle, energy=energy, n=n), (known or simulators)[0], seed
    )
    return incident


def _show(metrics: dict[str, Any], page: Path) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console()
    for note in metrics["selection"]["notes"]:
        console.print(f"[yellow]Note:[/yellow] {escape(note)}")
    for name, verdict in metrics["verdict"].items():
        console.print(_table(metrics, name))
        shade = {"yes": "green", "with care": "green", "no": "red"}
        words = " ".join(verdict["sentences"])
        answer = verdict["answer"]
        console.print(
            f"[bold]{escape(name)}:[/bold] [bold {shade.get(answer, 'yellow')}]{answer}.[/] {escape(words)}"
        )
    console.print(f"Report: [bold]{escape(str(page))}[/bold]", soft_wrap=True)


def _table(metrics: dict[str, Any], candidate: str) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    reference = metrics["samples"][0]["name"]
    table = Table(
        title=escape(f"{candidate} against {reference}"),
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("observable", no_wrap=True)
    for column in (
        escape(reference),
        "ratio\nof means",
        "ratio\nof sd",
        "sepa-\nration",
        "by\nchance",
    ):
        table.add_column(column, justify="right", no_wrap=True)
    for name, found in metrics["observables"].items():
        row = found["candidates"][candidate]
        separation = row["distances"]["separation"]
        table.add_row(
            escape(f"{name} [{found['unit']}]" if found["unit"] else name),
            _spread(found["reference"]),
            _number(row["ratio_mean"], "{:.3f}"),
            _number(row["ratio_sd"], "{:.3f}"),
            f"[{row['light']}]{_percent(separation['value'])}[/]",
            _percent(separation["floor"]),
        )
    return table


def _spread(moments: dict[str, float | None]) -> str:
    """Write mean and standard deviation, up to the second digit of the latter."""
    mean, sd = moments["mean"], moments["sd"]
    places = min(max(1 - math.floor(math.log10(sd)), 0), 6) if sd else 3
    return f"{_number(mean, f'{{:z.{places}f}}')} ± {_number(sd, f'{{:z.{places}f}}')}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2g} %"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
