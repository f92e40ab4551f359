"""A link opens the view that it was taken from."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from dtml.runs.records import Run
from tests.app.test_pages import open_page, trained  # noqa: F401  # a fixture

CHOSEN = {"view": "training", "projection": "pca", "layout": "shared", "domains": "target", "untrained": "True"}


def held(app: AppTest) -> dict[str, Any]:
    groups = {group.label: group.value for group in app.button_group}
    return {
        "view": groups["View"],
        "projection": groups["Projection"],
        "layout": groups["Layout"],
        "domains": groups["Domains"],
        "untrained": str(next(each.value for each in app.toggle if each.label == "Untrained start")),
    }


def told(app: AppTest) -> dict[str, str]:
    params = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    return {name: value for name, value in params.items() if name not in ("run", "lang")}


def test_a_link_opens_its_view_and_keeps_it(trained: dict[str, Run]) -> None:  # noqa: F811
    app = open_page("embeddings", run=trained["adapted"].id, after="10", **CHOSEN)
    for _turn in range(2):
        assert held(app) == CHOSEN
        assert next(each.value for each in app.select_slider if "step" in each.label) == 10
        app.run()
    assert told(app) == {**CHOSEN, "after": "10"}
    assert "projection=pca" in next(code.value for code in app.code if "embeddings" in code.value or "=" in code.value)


def test_what_a_person_chooses_stands_in_the_address_and_the_default_does_not(trained: dict[str, Run]) -> None:  # noqa: F811
    app = open_page("embeddings", run=trained["adapted"].id)
    assert told(app) == {}
    next(each for each in app.toggle if each.label == "Untrained start").set_value(True).run()
    assert told(app) == {"untrained": "True"}
    next(each for each in app.toggle if each.label == "Untrained start").set_value(False).run()
    assert told(app) == {}


def test_nonsense_in_the_address_is_the_default(trained: dict[str, Run]) -> None:  # noqa: F811
    app = open_page("embeddings", run=trained["adapted"].id, view="sideways", after="-3", untrained="maybe")
    assert held(app)["view"] == "side"
    assert held(app)["untrained"] == "False"
    assert told(app) == {}
