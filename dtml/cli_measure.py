"""The command `dtml measure`: which source, or backbone, suits a target, before any training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dtml.cli_arguments import AsJson, Settings, choice, parameters
from dtml.errors import Problem
from dtml.language import _, mark

if TYPE_CHECKING:
    from dtml.runs.agreement import Agreement
    from dtml.runs.choosing import Ranking

measuring = typer.Typer()
out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

Domain = Annotated[
    str, typer.Argument(help=_("A domain of the task, or a folder, archive or file of your own."), show_default=False)
]


@measuring.command(
    help=_(
        "Rank sources, or backbones, for a target by distances, transferability scores and k-NN accuracy, before any "
        "training; then tell how the ranking agreed with what finished runs reached. Only training splits are read."
    )
)
def measure(
    source: Domain = "",
    target: Domain = "",
    task: Annotated[
        list[str] | None,
        typer.Option(help=_("A task, or NAME:key=value,…; repeated, each is a candidate. Two paths: folders.")),
    ] = None,
    onto: Annotated[str, typer.Option("--target", help=_("The target, where several sources are ranked."))] = "",
    candidates: Annotated[
        str, typer.Option(help=_("Sources to rank (comma); all whose data is on disk where none is named."))
    ] = "",
    backbone: Annotated[
        list[str] | None,
        typer.Option(help=_("A backbone with learned weights, or NAME:key=value,…; repeated, each is a candidate.")),
    ] = None,
    settings: Settings = None,
    labels: Annotated[
        str, typer.Option(help=_("Target labels that are read: 0, samples a class (5), a share (0.2) or all."))
    ] = "all",
    seed: Annotated[int, typer.Option(min=0, help=_("Decides the splits and what is drawn."))] = 0,
    as_json: AsJson = False,
) -> None:
    from dtml.budget import parse
    from dtml.console import bar
    from dtml.runs.agreement import agreements
    from dtml.runs.candidates import candidate
    from dtml.runs.choosing import Ranking, ranking_file, ranking_spec
    from dtml.runs.folder import write_json
    from dtml.runs.scoring import measured
    from dtml.runs.store import Store

    named = [name.strip() for name in candidates.split(",") if name.strip()]
    tasks = [each for text in task or [""] for each in _tasks(text, source, target, onto, named)]
    own = parameters(settings or [])
    networks: list[Any] = [{**choice(text), **own} for text in backbone or []] or [None]
    if settings and not backbone:
        raise Problem(mark("--set gives parameters of a backbone; name it with --backbone."))
    spec = ranking_spec([candidate(each, network) for each in tasks for network in networks], parse(labels), seed)
    with bar(err) as tell:
        found = measured(spec, lambda what, share: tell(_(what), share))
    write_json(ranking_file(spec), found)
    ranking = Ranking.of(spec, found)
    agreed = agreements(Store(), ranking)
    if as_json:
        print(json.dumps(plain(ranking, agreed), ensure_ascii=False))
    else:
        show(ranking, agreed)


def _tasks(text: str, source: str, target: str, onto: str, named: Sequence[str]) -> list[dict[str, Any]]:
    """The candidates' tasks that a person asked for.

    Raises:
        Problem: where neither a pair of domains, nor a target, nor a task is named.
    """
    from dtml.runs.candidates import sources

    if not text and not (source and target):
        told = mark("Name SOURCE and TARGET, or a task with --task and the target with --target; see `dtml list task`.")
        raise Problem(told)
    task = choice(text) if text else _folders(source, target)
    if onto or named:
        if source or not onto:
            told = mark("Several sources are ranked for one target: give --task and --target, and no SOURCE.")
            raise Problem(told)
        return sources(task, onto, named)
    return [{**task, "source": source, "target": target} if source and target else task]


def _folders(source: str, target: str) -> dict[str, str]:
    """Two paths as a task; a domain of a known task is not taken for one.

    Raises:
        Problem: for a domain of a task that was not named.
    """
    from dtml.runs.candidates import domains, with_domains

    known = [name for name in with_domains() if {source, target} <= set(domains(name))]
    if known and not Path(source).exists():
        told = mark("'{source}' and '{target}' are domains of {known}; name the task, such as --task {first}.")
        raise Problem(told, source=source, target=target, known=", ".join(known), first=known[0])
    return {"name": "folders"}


# -- what is printed --------------------------------------------------------------------------------


def show(ranking: Ranking, agreed: Sequence[Agreement]) -> None:
    """A line a measure and a column a candidate, the best first; then what follows from it."""
    from dtml.runs.agreement import told
    from dtml.runs.choosing import conclusions

    out.print(_table(ranking))
    for sentence in conclusions(ranking):
        out.print(f"• {sentence}", markup=False, highlight=False)
    for each in agreed:
        out.print(_reached(ranking, each))
        out.print(f"• {told(each)}", markup=False, highlight=False)


def _table(ranking: Ranking) -> Table:
    from dtml.runs.choosing import measure_title, with_interval

    order, means = ranking.best_first(), ranking.mean_ranks()
    table = Table(
        _("Measure"),
        *[ranking.rows[i].title for i in order],
        box=None,
        title=_("Candidates for {target}: rank · value (95 %)").format(target=ranking.target),
    )
    for name in ranking.measures:
        ranks = ranking.ranks(name)
        cells = []
        for i in order:
            found = ranking.rows[i].values.get(name)
            place = "" if found is None or found.problem or len(order) == 1 else f"{ranks[i]:g} · "
            cells.append(f"{place}{with_interval(name, found)}" if found else "–")
        table.add_row(measure_title(name), *cells)
    if any(mean is not None for mean in means):
        table.add_row(_("mean rank"), *["–" if means[i] is None else f"{means[i]:.2f}" for i in order])
    return table


def _reached(ranking: Ranking, each: Agreement) -> Table:
    """What runs reached on the candidates, in the order of the ranking."""
    table = Table(each.title, _("Target test accuracy"), _("Seeds"), box=None, title=_("How the ranking agreed"))
    for i in ranking.best_first():
        mean = each.accuracy(i)
        if mean:
            width = f" ± {100 * mean.half_width:.1f}" if mean.half_width < float("inf") else ""
            table.add_row(ranking.rows[i].title, f"{100 * mean.mean:.1f} %{width}", str(len(each.reached[i])))
    return table


def plain(ranking: Ranking, agreed: Sequence[Agreement]) -> dict[str, Any]:
    """Ranking and agreement as one object, the best candidate first."""
    from dtml.runs.choosing import conclusions

    order = ranking.best_first()
    return {
        "target": ranking.target,
        "labels": ranking.labels,
        "one_target": ranking.one_target,
        "candidates": [_candidate(ranking, i) for i in order],
        "conclusions": conclusions(ranking),
        "agreement": [
            {
                "recipe": each.title,
                "reached": {ranking.rows[i].title: dict(each.reached[i]) for i in order if i in each.reached},
                "kendall_tau": dict(each.taus),
            }
            for each in agreed
        ],
    }


def _candidate(ranking: Ranking, number: int) -> dict[str, Any]:
    row = ranking.rows[number]
    values = {
        name: {"problem": str(found.problem)}
        if found.problem
        else {"value": found.value, "low": found.low, "high": found.high, "rank": ranking.ranks(name)[number]}
        for name, found in row.values.items()
    }
    told = {"problem": str(row.problem)} if row.problem else {}
    sizes = {"source_samples": row.source, "target_samples": row.target, "labels": row.labels}
    named = {"title": row.title, "task": row.candidate.task, "backbone": row.candidate.backbone}
    return {**named, "mean_rank": ranking.mean_ranks()[number], **sizes, "measures": values, **told}
