"""The tables of the store, and the database they are in: SQLite, or what `DTML_STORE` names."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.exc import ArgumentError, DBAPIError

from dtml.errors import Problem
from dtml.language import mark

_metadata = MetaData()

runs_table = Table(
    "runs",
    _metadata,
    Column("id", String(80), primary_key=True),
    Column("hash", String(16), index=True, nullable=False),
    Column("role", String(16), nullable=False),
    Column("experiment", Text, nullable=False),
    Column("state", String(16), index=True, nullable=False),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    Column("heartbeat", Float),
    Column("attempts", Integer, nullable=False, default=0),
    Column("cancel", Boolean, nullable=False, default=False),
    Column("doing", JSON),
    Column("step", Integer, nullable=False, default=0),
    Column("info", JSON),
    Column("result", JSON),
    Column("error", Text),
)

metrics_table = Table(
    "metrics",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("run", String(80), nullable=False),
    Column("step", Integer, nullable=False),
    Column("values", JSON, nullable=False),
    Index("metrics_of_run", "run", "step"),
)

jobs_table = Table(
    "jobs",
    _metadata,
    Column("key", String(80), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("spec", JSON, nullable=False),
    Column("state", String(16), index=True, nullable=False),
    Column("created", Float, nullable=False),
    Column("heartbeat", Float),
    Column("doing", JSON),
    Column("error", Text),
)


def open_database(url: str) -> Engine:
    """The database at this URL, with its tables.

    Raises:
        Problem: where it cannot be used.
    """
    try:
        engine = create_engine(url)
    except (ArgumentError, ImportError) as error:
        raise _unusable(url, error) from None
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _configure(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA busy_timeout=10000")

    try:
        _metadata.create_all(engine)
    except DBAPIError as error:
        raise _unusable(url, error.orig) from None
    return engine


def _unusable(url: str, error: object) -> Problem:
    told = mark(
        "The store '{url}' cannot be used ({error}); correct DTML_STORE, or unset it to keep runs in a file below "
        "DTML_HOME."
    )
    shown = re.sub(r"://[^@/]*@", "://…@", url)  # no password in a message
    return Problem(told, url=shown, error=str(error).splitlines()[0])
