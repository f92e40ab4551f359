"""A person's own images in real Chromium: upload, look, confirm, train; what is refused leaves nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dtml import own
from tests.browser.test_dashboard import keep
from tests.images.archives import climbing, good, members, packed
from tests.serving import settled

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture
def data(page: Any) -> Any:
    """The page on which data is added."""
    page.get_by_role("link", name="Data", exact=True).first.click()
    page.get_by_role("heading", name="Data", exact=True).wait_for()
    settled(page)
    return page


def give(page: Any, name: str, source: Path, target: Path) -> None:
    """Upload two archives under a name."""
    inputs = page.locator('input[type="file"]')
    inputs.nth(0).set_input_files(source)
    inputs.nth(1).set_input_files(target)
    page.get_by_label("A name for the task").fill(name)
    page.get_by_label("A name for the task").press("Tab")
    settled(page)
    page.get_by_role("button", name=re.compile("Look at the data$")).click()


def test_two_archives_become_a_task_that_trains(data: Any, tmp_path: Path) -> None:
    page = data
    source = good(tmp_path / "shop.zip", classes=("猫", "dog", "cow"))
    target = packed(tmp_path / "phone.zip", {**members(("猫", "dog"), seed=1), "dog/text.png": b"milk, eggs"})
    keep(page, "data-empty")
    give(page, "My shop", source, target)
    page.get_by_text(re.compile("Partial: some classes of the source")).wait_for(timeout=120_000)
    settled(page)
    keep(page, "data-preview")
    assert page.get_by_text("cow").count() > 0
    assert page.locator(".dtml-examples img").count() == 4 * (3 + 2)
    use = page.get_by_role("button", name=re.compile("Use this task$"))
    assert use.is_disabled(), "what cannot be read is in the way"
    page.get_by_text("Leave them out (1)").click()
    settled(page)
    use.click()
    page.get_by_role("button", name=re.compile("Launch a run$")).click()
    page.get_by_role("heading", name="Launch a run").wait_for()
    settled(page)
    keep(page, "launch-own")
    assert page.get_by_text("My shop").count() > 0


def test_a_hostile_archive_is_refused_in_a_sentence(data: Any, tmp_path: Path) -> None:
    page = data
    give(page, "evil", climbing(tmp_path / "evil.zip"), good(tmp_path / "b.zip", 1))
    page.get_by_text(re.compile("leads out of the archive.*Nothing was kept")).wait_for(timeout=60_000)
    page.reload()
    settled(page)
    assert page.get_by_text("evil").count() == 0


def test_a_folder_without_images_is_refused_after_a_look(data: Any, tmp_path: Path) -> None:
    page = data
    give(page, "empty", packed(tmp_path / "a.zip", {"notes.txt": b"x"}), good(tmp_path / "b.zip", 1))
    page.get_by_text(re.compile("holds no images.*Nothing was kept")).wait_for(timeout=120_000)
    assert "empty" not in own.tasks()
