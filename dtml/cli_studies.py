"""The commands that train one experiment many times and compare: seeds, label budgets, methods, pairs of domains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dtml import catalogue
from dtml.cli_arguments import AsJson, File, References, Seeds, numbers, roles
from dtml.errors import Problem
from dtml.experiment import Experiment
from dtml.language import _, mark

studies = typer.Typer()
out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)


@studies.command(
    help=_(
        "Train an experiment and its references with several seeds, and compare them paired by seed. What is finished "
        "already is not trained again."
    )
)
def sweep(
    file: File,
    seeds: Seeds = "0-4",
    references: References = "all",
    as_json: AsJson = False,
) -> None:
    from dtml.console import Reporter, compared, comparison, results
    from dtml.runs.foreground import train_all
    from dtml.runs.store import Store

    experiment, store = Experiment.from_toml(file), Store()
    with Reporter(err) as reporter:
        trained = [
            train_all(store, experiment.replace(seed=seed), roles(references), reporter, again=False)
            for seed in numbers(seeds)
        ]
    rows = [list(runs.values()) for runs in trained]
    failed = [run for row in rows for run in row if run.state != "finished"]
    if failed:
        raise failed[0].error or Problem(mark("The run '{id}' was cancelled."), id=failed[0].id)
    if as_json:
        print(json.dumps(compared(rows), ensure_ascii=False))
    else:
        out.print(results(rows))
        out.print(comparison(compared(rows)))


@studies.command(
    help=_(
        "Train an experiment with several label budgets and seeds, and print accuracy over budget. What is finished "
        "already is not trained again."
    )
)
def budget(
    file: File,
    labels: Annotated[
        str,
        typer.Option(help=_("Label budgets: 0, samples a class (5), shares of each class (0.2), all; with commas.")),
    ] = "0,1,5,0.2,all",
    seeds: Seeds = "0-2",
    references: References = "all",
    as_json: AsJson = False,
) -> None:
    from dtml.budget import parse_list
    from dtml.console import Reporter, budgets, curve_table
    from dtml.runs.foreground import train_budgets
    from dtml.runs.store import Store

    experiment, wanted, named = Experiment.from_toml(file), parse_list(labels), numbers(seeds)
    with Reporter(err) as reporter:
        curve, unfit = train_budgets(Store(), experiment, wanted, named, roles(references), reporter)
    for problem in unfit.values():
        err.print(str(problem), style="yellow", markup=False, highlight=False)
    if as_json:
        print(json.dumps(budgets(curve, named), ensure_ascii=False))
    else:
        out.print(curve_table(curve))


@studies.command(
    help=_(
        "Train every method of the catalogue on a task with the same budget and several seeds, and write the table. "
        "What is finished already is not trained again."
    )
)
def table(
    task: Annotated[str, typer.Option(help=_("The task."))] = "digits",
    seeds: Seeds = "0-4",
    kind: Annotated[str, typer.Option(help=_("Only methods of this kind: alignment, metric or strategy."))] = "",
    to: Annotated[Path, typer.Option(help=_("The Markdown file to write."))] = Path("methods.md"),
) -> None:
    from dtml.console import Reporter
    from dtml.runs.methods import KINDS, as_markdown, experiments, row
    from dtml.runs.store import Store

    if kind and kind not in KINDS:
        raise catalogue.unknown("kind", kind, KINDS)
    store, named = Store(), numbers(seeds)
    wanted, unfit = experiments(task, [kind] if kind else KINDS)
    with Reporter(err) as reporter:
        rows = [row(store, *each, named, reporter) for each in wanted]
    to.write_text(as_markdown(rows, named, unfit), "utf-8")
    out.print(_("{count} methods: {path}").format(count=len(rows), path=to))


@studies.command(
    help=_("Train an experiment on every ordered pair of a task's domains with several seeds, and print the table.")
)
def pairs(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help=_("An experiment on a task with named domains."))],
    seeds: Seeds = "0-2",
    domains: Annotated[
        str, typer.Option(help=_("Domains (comma); all whose data is on disk where none is named."))
    ] = "",
    to: Annotated[Path | None, typer.Option(help=_("A Markdown file to write the table into."))] = None,
) -> None:
    from dtml.console import Reporter
    from dtml.runs.pairs import as_markdown, pair
    from dtml.runs.pairs import pairs as all_pairs
    from dtml.runs.store import Store

    wanted = all_pairs(Experiment.from_toml(file), [name.strip() for name in domains.split(",") if name.strip()])
    named, store = numbers(seeds), Store()
    with Reporter(err) as reporter:
        table = as_markdown([pair(store, each, named, reporter) for each in wanted])
    if to:
        to.write_text(table, "utf-8")
    out.print(table, markup=False, highlight=False)
