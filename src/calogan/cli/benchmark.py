"""calogan benchmark: time per shower of simulators, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

    from calogan.benchmark import Result

__all__ = ["EPILOG", "benchmark"]

EPILOG = (
    "Examples: "
    "calogan benchmark --with geant4 --with eplus --json speed.json --plot speed.png; "
    "calogan benchmark --with eplus --batch-sizes 1,1024 --threads 1,2"
)


def benchmark(
    simulators: Annotated[
        list[str] | None,
        typer.Option("--with", help="geant4, a model, its folder, library:FILE; once for each."),
    ] = None,
    batch_sizes: Annotated[
        str, typer.Option(help="Showers per call; Geant4 makes one after another.")
    ] = "1,10,128,1024",
    particle: Annotated[
        str | None, typer.Option(help="The incident particle; that of the first model.")
    ] = None,
    energy: Annotated[
        str, typer.Option(help="Incident energies in GeV, as for calogan simulate.")
    ] = "1:100",
    threads: Annotated[
        str | None, typer.Option(help="Threads of a model, or several: 1,2; all cores.")
    ] = None,
    device: Annotated[
        str, typer.Option(help="Where models run: cpu, cuda, both (cpu,cuda), or all there is.")
    ] = "all",
    repeats: Annotated[int, typer.Option(min=1, help="Measurements of each figure.")] = 7,
    limit: Annotated[
        float,
        typer.Option(help="Seconds for each figure; Geant4 makes what it can meanwhile."),
    ] = 10.0,
    n_file: Annotated[
        int | None,
        typer.Option(
            "--file", min=0, help="Showers of the file; what the limit allows, up to 20000."
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures to this file.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw them: a .png, .pdf or .svg file.")] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Show the figures of the CaloGAN paper as well.")
    ] = False,
) -> None:
    """Measure milliseconds per shower by simulator, hardware and batch size.

    The same incident particles for all; simulators take turns; each has a process of its own.
    """
    from calogan.benchmark import Plan, run_benchmark
    from calogan.cli.extras import needs_extra
    from calogan.files.output import check_writable

    if json_file is not None:
        check_writable(json_file)
    if plot is not None:
        with needs_extra("a plot", "evaluate"):
            from calogan.benchmark.plot import check_figure, plot_benchmark
        check_figure(plot)
    plan = Plan(
        simulators=tuple(simulators or ["eplus"]),
        particle=particle,
        energy=energy,
        batch_sizes=_numbers("--batch-sizes", batch_sizes),
        threads=_numbers("--threads", threads) if threads else (),
        devices=_devices(device),
        repeats=repeats,
        limit_s=limit,
        n_file=n_file,
    )
    with _progress() as progress:
        task = progress.add_task("starting", total=1.0)
        result = run_benchmark(
            plan, lambda what, share: progress.update(task, description=what, completed=share)
        )
    _show(result, published=published)
    if json_file is not None:
        typer.echo(f"figures -> {result.write_json(json_file)}")
    if plot is not None:
        typer.echo(f"plot -> {plot_benchmark(result, plot, published=published)}")


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _numbers(option: str, text: str) -> tuple[int, ...]:
    from calogan.errors import ConfigurationError

    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        msg = f"{option} {text}: give whole numbers, such as 1,10,128"
        raise ConfigurationError(msg) from None


def _devices(text: str) -> tuple[str, ...]:
    from calogan.errors import ConfigurationError

    if text == "all":
        from calogan.benchmark.machine import gpu_devices

        return ("cpu", *gpu_devices())
    devices = tuple(text.split(","))
    if not set(devices) <= {"cpu", "cuda"}:
        msg = f"--device {text}: give cpu, cuda, cpu,cuda or all"
        raise ConfigurationError(msg)
    return devices


def _show(result: Result, *, published: bool) -> None:
    from rich.console import Console

    machine = result.machine
    console = Console(soft_wrap=True)
    gpus = ", ".join(machine["gpus"]) or "no GPU"
    console.print(
        f"[bold]{machine['cpu']}[/], {machine['cores']} cores (load {machine['load']:g}),"
        f" {machine['memory_gb']:g} GB, {gpus}"
    )
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    console.print(f"{machine['system']}; {versions}; {machine['date']}", style="dim")
    if machine["gpus"] and "cuda" not in result.plan.devices:
        console.print("the GPU is idle: pip install onnxruntime-gpu runs models on it")
    console.print(f"{result.particle}, {result.plan.energy} GeV\n")
    tables = _times(result, published=published), _files(result)
    # all digits of a table, even if the terminal is narrower
    endless = console.options.update(width=10_000)
    widths = [console.measure(table, options=endless).maximum for table in tables]
    console.width = max(console.width, *widths)
    for table in tables:
        console.print(table)


def _times(result: Result, *, published: bool) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Time per shower", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("simulator", no_wrap=True)
    table.add_column("hardware", no_wrap=True)
    for column in ("batch", "ms/shower", "spread", "speed-up"):
        table.add_column(column, justify="right", no_wrap=True)
    before = None
    for row in result.rows:
        batch = "-" if row.batch_size is None else str(row.batch_size)
        time, spread = f"{_digits(row.ms_per_shower)}", f"+- {_digits(row.spread_ms, 2)}"
        if row.batch_size is None and row.error_ms is not None:
            time += f" +- {_digits(row.error_ms, 2)}"
        ratio = "" if row.speed_up is None else f"{_digits(row.speed_up)}"
        if row.speed_up_error:
            ratio += f" +- {_digits(row.speed_up_error, 2)}"
        lane = (row.simulator, row.hardware)
        names = map(escape, ("", "") if lane == before else lane)
        table.add_row(*names, batch, time, spread, ratio)
        before = lane
    if published:
        from calogan.benchmark.published import PUBLISHED, PUBLISHED_HARDWARE

        table.add_section()
        geant4 = next(ms for name, _, _, ms in PUBLISHED if name == "Geant4")
        for name, where, size, ms in PUBLISHED:
            batch = "-" if size is None else str(size)
            table.add_row(
                f"{name}, paper",
                PUBLISHED_HARDWARE[where],
                batch,
                _digits(ms),
                "",
                _digits(geant4 / ms),
                style="dim",
            )
    return table


def _files(result: Result) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="From particles to a file", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("simulator", no_wrap=True)
    table.add_column("hardware", no_wrap=True)
    for column in ("showers", "ms/shower", "showers/s", "writing", "B/shower", "open", "memory"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in result.files:
        table.add_row(
            escape(row.simulator),
            escape(row.hardware),
            str(row.n_showers),
            _digits(row.ms_per_shower),
            _digits(row.showers_per_s),
            "-" if row.outside_simulator is None else f"{100 * row.outside_simulator:.0f} %",
            "-" if row.bytes_per_shower is None else f"{row.bytes_per_shower:.0f}",
            f"{row.open_s:.2g} s",
            "-" if row.peak_memory_mb is None else f"{row.peak_memory_mb:.0f} MB",
        )
    return table


def _digits(value: float | None, n: int = 3) -> str:
    """A number with n digits that count, without an exponent."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    from math import floor, log10

    places = n - 1 - floor(log10(abs(value)))
    return f"{round(value, places):,.{max(places, 0)}f}"
