"""calogan jets: images of jets, as in the LAGAN paper (arXiv:1701.05927)."""

from __future__ import annotations

import typer

from calogan.cli.jets import compare, models, simulate, train

__all__ = ["app"]

app = typer.Typer(
    help="Images of jets (LAGAN): Pythia, networks trained on it, comparison.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("simulate", epilog=simulate.EPILOG)(simulate.simulate)
app.command("train", epilog=train.EPILOG)(train.train)
app.command("models", epilog=models.EPILOG)(models.models)
app.command("compare", epilog=compare.EPILOG)(compare.compare)
