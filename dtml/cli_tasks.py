"""The commands `dtml tasks`: a person's own data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dtml import catalogue, own
from dtml.cli_arguments import Settings, parameters
from dtml.inspection import Inspection
from dtml.language import _
from dtml.vocabulary import setting

tasks = typer.Typer(
    help=_("Your own transfer tasks: add, look at, confirm and remove them."), invoke_without_command=True
)
out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
LISTED = 20
"""What cannot be read is listed up to here."""
FAMILIES = {"images": "folders", "table": "tables", "text": "texts"}

Name = Annotated[str, typer.Argument(help=_("The task's name."))]
Skip = Annotated[bool, typer.Option("--skip", help=_("Leave out the files that cannot be read."))]


@tasks.callback()
def list_tasks(context: typer.Context) -> None:
    """Your own transfer tasks; without a command: list them."""
    if context.invoked_subcommand is not None:
        return
    table = Table(_("Name"), _("Kind"), _("Source"), _("Target"), _("State"), box=None)
    for mine in own.tasks().values():
        state = _("confirmed") if mine.confirmed else _("to be looked at and confirmed")
        kind = next(kind for kind, family in FAMILIES.items() if family == mine.choice["name"])
        table.add_row(mine.name, kind, mine.choice["source"], mine.choice["target"], state)
    out.print(table)


@tasks.command(help=_("Add a task, look at its data, and ask whether to use it; nothing stays where it is refused."))
def add(
    name: Name,
    source: Annotated[str, typer.Option(help=_("Source: a folder, an archive, archive.zip/folder, or a file."))],
    target: Annotated[str, typer.Option(help=_("Target, likewise."))],
    kind: Annotated[str, typer.Option(help=", ".join(FAMILIES))] = "images",
    settings: Settings = None,
    skip: Skip = False,
    yes: Annotated[bool, typer.Option("--yes", help=_("Confirm without asking, where nothing is wrong."))] = False,
) -> None:
    if kind not in FAMILIES:
        raise catalogue.unknown("kind", kind, FAMILIES)
    params = {**parameters(settings or []), "source": _absolute(source), "target": _absolute(target)}
    own.add(name, FAMILIES[kind], params)
    try:
        _looked_at(name)
        if yes or typer.confirm(_("Use this task?")):
            own.confirm(name, skip)
    finally:
        confirmed = own.task(name).confirmed
        if not confirmed:
            own.remove(name)
            err.print(_("Nothing was kept of '{name}'.").format(name=name), markup=False, highlight=False)
    if confirmed:
        out.print(
            _('Confirmed: write task = "{name}" in an experiment, or choose it on the Launch page.').format(name=name),
            markup=False,
            highlight=False,
        )


@tasks.command(help=_("Look at a task's data again."))
def show(name: Name) -> None:
    _looked_at(name)


@tasks.command(help=_("Use a task whose data was looked at."))
def confirm(name: Name, skip: Skip = False) -> None:
    own.confirm(name, skip)


@tasks.command(help=_("Forget a task and delete what was uploaded for it; finished runs stay."))
def remove(name: Name) -> None:
    own.remove(name)


def _absolute(given: str) -> str:
    """A path that holds from every folder; one below DTML_DATA stays as it is."""
    path = Path(given).expanduser()
    return str(path.resolve()) if path.exists() or any(parent.is_file() for parent in path.parents) else given


def _looked_at(name: str) -> Inspection:
    from dtml.console import bar

    with bar(err) as tell:
        found = own.look(name, lambda what, share: tell(_(what), share))
    show_inspection(found)
    return found


def show_inspection(found: Inspection) -> None:
    """Both domains side by side, then what is wrong."""
    table = Table("", found.source.name, found.target.name, box=None)
    facts = [dict(side.facts) for side in (found.source, found.target)]
    for what in dict.fromkeys([*facts[0], *facts[1]]):
        table.add_row(_(what), *(each.get(what, "–") for each in facts))
    for name in sorted({*found.source.counts, *found.target.counts}):
        table.add_row(name, *(str(side.counts.get(name, 0)) for side in (found.source, found.target)))
    if found.source.unlabelled or found.target.unlabelled:
        table.add_row(_("without a label"), str(found.source.unlabelled), str(found.target.unlabelled))
    out.print(table)
    if not found.obstacles:
        out.print(setting(found.setting), markup=False, highlight=False)
    for problem in (*found.remarks, *found.obstacles):
        out.print(f"• {problem}", markup=False, highlight=False)
    for name, why in found.unreadable[:LISTED]:
        out.print(f"✗ {why if name in why else f'{name}: {why}'}", markup=False, highlight=False)
    if len(found.unreadable) > LISTED:
        out.print(_("… and {count} more").format(count=len(found.unreadable) - LISTED))
