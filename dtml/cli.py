"""The command `dtml`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dtml import catalogue, vocabulary
from dtml.cli_arguments import AsJson, File, References, Settings, parameters, roles
from dtml.cli_export import export
from dtml.cli_measure import measuring
from dtml.cli_studies import studies
from dtml.cli_tasks import tasks
from dtml.errors import Problem
from dtml.experiment import Experiment
from dtml.language import Text, _

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None, no_args_is_help=False)
get = typer.Typer(help=_("Download what is published: the data of a task, the weights of a backbone."))
app.add_typer(get, name="get")
app.add_typer(tasks, name="tasks")

out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)


def main() -> None:
    """Run the command; a person sees sentences, never a traceback."""
    try:
        _settle_environment()
        app()
    except Problem as problem:
        err.print(str(problem), style="red", markup=False, highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _settle_environment() -> None:
    """What has to stand before torch and numba load."""
    import os

    from dtml.runs.launcher import worker_environment

    os.environ.update(worker_environment())


@app.callback(
    invoke_without_command=True,
    help=_("Deep transfer metric learning that can be looked at. Without a command: start the dashboard."),
)
def dashboard(
    context: typer.Context,
    port: Annotated[int, typer.Option(help=_("Port of the dashboard on the loopback address (0: a free one)."))] = 0,
    browser: Annotated[bool, typer.Option(help=_("Open the dashboard in the browser."))] = True,
) -> None:
    if context.invoked_subcommand is None:
        from dtml.dashboard import serve

        serve(port, browser)


@app.command(help=_("Train an experiment here and now, then its references that are not trained yet."))
def train(
    file: File,
    as_json: AsJson = False,
    seed: Annotated[int | None, typer.Option(help=_("Use this seed instead of the file's."))] = None,
    references: References = "twin",
) -> None:
    from dtml.console import Reporter, results
    from dtml.runs.foreground import summary, train_all
    from dtml.runs.store import Store

    experiment = Experiment.from_toml(file)
    experiment = experiment if seed is None else experiment.replace(seed=seed)
    with Reporter(err) as reporter:
        runs = train_all(Store(), experiment, roles(references), reporter)
    if not as_json:
        out.print(results([list(runs.values())]))
    for run in runs.values():
        if run.error:
            err.print(str(run.error), style="red", markup=False, highlight=False)
    if as_json:
        print(json.dumps(summary(runs), ensure_ascii=False))
    if any(run.state != "finished" for run in runs.values()):
        raise typer.Exit(1)


app.add_typer(studies)
app.add_typer(measuring)


@app.command("list", help=_("List what can be chosen, of one kind or of all."))
def list_(kind: Annotated[str | None, typer.Argument(help=", ".join(catalogue.KINDS))] = None) -> None:
    table = Table(_("Kind"), _("Name"), _("Title"), _("In one sentence"), box=None)
    for each in [kind] if kind else catalogue.KINDS:
        for name in catalogue.names(each):
            entry = catalogue.entry(each, name)
            table.add_row(vocabulary.kind(each), name, str(Text(*entry["title"])), str(Text(*entry["summary"])))
    out.print(table)


@app.command(help=_("Show one method: its formula, its source, its parameters."))
def show(kind: str, name: str) -> None:
    entry = catalogue.entry(kind, name)
    out.print(f"[bold]{Text(*entry['title'])}[/]  ({vocabulary.kind(kind)} '{name}')", highlight=False)
    out.print(str(Text(*entry["summary"])), markup=False, highlight=False)
    if entry["formula"]:
        out.print(entry["formula"], markup=False, highlight=False)
    if paper := entry["paper"]:
        out.print(
            f"{paper['authors']} ({paper['year']}): {paper['title']}. {paper['link']} {paper['equation']}",
            markup=False,
            highlight=False,
        )
    if entry["claims"]:
        out.print(
            _("claims: {claims}").format(claims=", ".join(map(vocabulary.claim, entry["claims"]))), highlight=False
        )
    if entry["parameters"]:
        out.print(_parameters(entry["parameters"]))
    for key, schema in entry["parameters"].items():
        if "known" in schema:
            out.print(f"{key}: {', '.join(schema['known'])}", markup=False, highlight=False)
    for dataset in entry.get("datasets", []):
        _show_dataset(dataset)


def _show_dataset(dataset: dict[str, Any]) -> None:
    from dtml.tasks.datasets import stated

    out.print()
    out.print(_("Dataset: {title}").format(title=dataset["title"]), markup=False, highlight=False)
    for what, told in stated(dataset):
        out.print(f"  {what}: {told}", markup=False, highlight=False)


def _parameters(properties: dict[str, Any]) -> Table:
    table = Table(_("Parameter"), _("Default"), _("Values"), _("Meaning"), box=None)
    for key, schema in properties.items():
        meaning = str(Text(schema["description"], schema["zh"]))
        unit = f" [{schema['unit']}]" if schema.get("unit") else ""
        table.add_row(key, repr(schema["default"]), catalogue.allowed(schema), meaning + unit)
    return table


app.command(help=_("Take finished runs away: a report, the model, tables, the experiment, pictures."))(export)


@app.command(help=_("List the newest runs."))
def runs(limit: int = 20) -> None:
    from dtml.console import run_table
    from dtml.runs.store import Store

    out.print(run_table(Store().runs(limit)))


@app.command(help=_("Run what waits in the queue; the dashboard starts one by itself."))
def worker(
    idle_exit: Annotated[float | None, typer.Option(help=_("End after so many seconds without work."))] = None,
    parallel: Annotated[int, typer.Option(min=1, help=_("Runs at a time."))] = 1,
) -> None:
    from dtml.export.jobs import export_next
    from dtml.runs.worker import work

    work(parallel, idle_exit, [export_next])


@app.command(
    help=_("Tell what is installed, which device there is, where things are kept, and how to mend what is wrong.")
)
def doctor() -> None:
    from dtml.doctor import examine

    wrong = False
    for finding in examine():
        wrong |= bool(finding.mend)
        sign = "[red]✗" if finding.mend else "[yellow]○" if finding.absent else "[green]✓"
        out.print(f"{sign}[/] [bold]{finding.what}[/]: ", end="", highlight=False)
        out.print(finding.value, markup=False, highlight=False)
        if finding.mend:
            out.print(f"    → {finding.mend}", markup=False, highlight=False)
    if wrong:
        raise typer.Exit(1)


@get.command("task", help=_("Download the data of a task."))
def get_task(name: str, settings: Settings = None) -> None:
    _fetch("task", name, settings)


@get.command("backbone", help=_("Download the learned weights of a backbone."))
def get_backbone(name: str, settings: Settings = None) -> None:
    _fetch("backbone", name, settings)


def _fetch(kind: str, name: str, settings: Sequence[str] | None) -> None:
    from dtml.console import bar

    component = catalogue.create(kind, name, **parameters(settings or []))
    with bar(err) as tell:
        component.fetch(tell)
    out.print(_("{kind} {name}: everything is here.").format(kind=kind, name=name))
