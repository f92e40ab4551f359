"""The house keeps its shape: arrows run one way, and the dashboard stays light."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

HEAVY = {"torch", "torchvision", "umap", "sklearn", "numba"}


def test_imports_follow_the_layers() -> None:
    from importlinter.cli import lint_imports

    os.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0


def loaded_by(*paths: Path) -> set[str]:
    """The top-level modules of a fresh process that imports everything these sources import."""
    code = (
        "import ast, importlib, json, sys\n"
        f"sys.path[:0] = [{str(ROOT)!r}]\n"
        "for path in sys.argv[1:]:\n"
        "    for node in ast.walk(ast.parse(open(path, encoding='utf-8').read())):\n"
        "        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []\n"
        "        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []\n"
        "        for name in names: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, paths)], capture_output=True, text=True, check=True, env=os.environ
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_dashboard_loads_nothing_heavy() -> None:
    sources = sorted([*(ROOT / "app").rglob("*.py"), *(ROOT / "pages").rglob("*.py")])
    assert len(sources) > 8
    assert loaded_by(*sources) & HEAVY == set()


def test_the_guard_would_catch_a_breach(tmp_path: Path) -> None:
    breach = tmp_path / "breach.py"
    breach.write_text("def later():\n    from dtml.training import train\n")
    assert "torch" in loaded_by(breach)


def test_the_core_never_imports_streamlit() -> None:
    importers = [p for p in (ROOT / "dtml").rglob("*.py") if "import streamlit" in p.read_text("utf-8")]
    assert importers == []
    named = [p.name for p in (ROOT / "dtml").rglob("*.py") if "from streamlit" in p.read_text("utf-8")]
    assert named == ["dashboard.py"], "only who starts the server knows it"


@pytest.mark.parametrize("folder", ["app", "pages"])
def test_pages_are_thin(folder: str) -> None:
    limit = {"app": 400, "pages": 80}[folder]
    long = {p.name: n for p in (ROOT / folder).glob("*.py") if (n := len(p.read_text("utf-8").splitlines())) > limit}
    assert long == {}
