"""The command line: one thin file per command."""

from __future__ import annotations

import logging
import signal
import sys
import warnings
from typing import Annotated, Any

import typer

from calogan.cli import (
    benchmark,
    calorimeter,
    classify,
    compare,
    convert,
    datasets,
    export,
    geant4_data,
    info,
    jets,
    models,
    observables,
    serve,
    show,
    simulate,
    train,
)
from calogan.errors import CaloganError

__all__ = ["app", "main"]

app = typer.Typer(
    name="calogan",
    help="Fast simulation of calorimeter showers: Geant4, networks trained on it, comparison.",
    epilog="First showers: calogan simulate --with eplus --energy 50 -n 10000 -o fast.h5",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("simulate", epilog=simulate.EPILOG)(simulate.simulate)
app.command("train", epilog=train.EPILOG)(train.train)
app.command("classify", epilog=classify.EPILOG)(classify.classify)
app.command("particle-id", epilog=classify.PARTICLE_ID_EPILOG)(classify.particle_id)
app.command("compare", epilog=compare.EPILOG)(compare.compare)
app.command("show", epilog=show.EPILOG)(show.show)
app.command("convert", epilog=convert.EPILOG)(convert.convert)
app.command("observables", epilog=observables.EPILOG)(observables.observables)
app.command("info")(info.info)
app.command("export", epilog=export.EPILOG)(export.export)
app.command("benchmark", epilog=benchmark.EPILOG)(benchmark.benchmark)
app.command("serve", epilog=serve.EPILOG)(serve.serve)
app.add_typer(calorimeter.app, name="calorimeter")
app.add_typer(datasets.app, name="datasets")
app.add_typer(models.app, name="models")
app.add_typer(jets.app, name="jets")
app.add_typer(geant4_data.app, name="geant4-data")


def _version(wanted: bool) -> None:
    if wanted:
        from calogan import __version__

        typer.echo(f"calogan {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Fast simulation of calorimeter showers."""


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    typer.secho(f"warning: {message}", fg="yellow", err=True)


def _interrupt(*_: Any) -> None:
    """Let a batch system's SIGTERM clean up as Ctrl-C does."""
    raise KeyboardInterrupt


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("calogan: %(message)s"))
    logger = logging.getLogger("calogan")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)


def main() -> None:
    """Run the command line; an error that the user can mend is one line and exit status 2."""
    debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]  # before or after
    signal.signal(signal.SIGTERM, _interrupt)
    _log_to_stderr()
    warnings.showwarning = _warn
    try:
        app()
    except CaloganError as error:
        if debug:
            raise
        typer.secho(f"calogan: {error}", fg="red", err=True)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        typer.echo("calogan: stopped", err=True)
        raise SystemExit(130) from None
