"""Public datasets: described in full, found where they may lie, read from tiny copies, refused in one sentence."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from dtml import catalogue, paths
from dtml.errors import Problem
from dtml.tasks import Task, Transfer, _published, datasets
from dtml.tasks.datasets import Dataset, File

DATASETS = [value for value in vars(_published).values() if isinstance(value, Dataset)]
TITLES = {
    "MNIST", "USPS", "MNIST-M", "SVHN", "SynDigits", "Office-31", "Office-Home", "Office-Caltech10", "PACS",
    "VisDA-2017", "DomainNet",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _data(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTML_DATA", str(home / "public"))


@pytest.fixture
def data(home: Path) -> Path:
    """An empty `DTML_DATA`."""
    return home / "public"


def task(name: str, **params: Any) -> Task:
    made: Task = catalogue.create("task", name, **params)
    return made


def load(name: str, **params: Any) -> Transfer:
    return task(name, **params).load(0)


def pictures(folder: Path, classes: dict[str, int], seed: int) -> None:
    """Class folders with so many small images of random colours each."""
    rng = np.random.default_rng(seed)
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:03}.jpg")


# -- what is told of them


def test_every_public_dataset_has_its_entry() -> None:
    assert {each.title for each in DATASETS} == TITLES
    read = {each["title"] for entry in catalogue.entries()["task"].values() for each in entry["datasets"]}
    assert read == TITLES, "and a task that reads it"


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.title)
def test_an_entry_is_complete(dataset: Dataset) -> None:
    assert re.match(r"https?://", dataset.home)
    assert re.match(r"https?://", dataset.paper.link)
    assert all(dataset.terms)
    assert dataset.size > 10**6
    assert dataset.layout
    files = [file for part in dataset.parts.values() for file in part]
    for file in files:
        assert bool(file.urls) == bool(file.checksum) == bool(file.size)
        assert not file.urls or re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", file.checksum)
    if all(file.urls for file in files):
        assert abs(sum(file.size for file in files) - dataset.size) < 0.01 * dataset.size
    assert len({file.path for file in files}) == len(files)


@pytest.mark.parametrize("source", ["svhn", "usps", "mnist"])
def test_checksums_are_those_of_torchvision(source: str) -> None:
    from torchvision.datasets import MNIST, SVHN, USPS

    theirs = {
        "svhn": [(url, md5) for url, _name, md5 in (SVHN.split_list[split] for split in ("train", "test"))],
        "usps": [(url, md5) for url, _name, md5 in USPS.split_list.values()],
        "mnist": [(MNIST.mirrors[0] + name, md5) for name, md5 in MNIST.resources],
    }[source]
    (ours,) = [d.parts[source] for d in DATASETS if source in d.parts]
    assert [(file.urls[0], file.checksum.removeprefix("md5:")) for file in ours] == theirs


@pytest.mark.parametrize(
    ("size", "told"), [(999, "999 B"), (28_881, "29 kB"), (11_594_722, "12 MB"), (18_480_000_000, "18.5 GB")]
)
def test_sizes_by_hand(size: int, told: str) -> None:
    assert datasets.in_bytes(size) == told


# -- what is missing


def test_only_the_chosen_parts_are_asked_for() -> None:
    made = task("domainnet", source="sketch", target="quickdraw")
    files = [file["path"] for _dataset, file in datasets.absent(made.entry(), made.params.model_dump())]
    assert files == [
        f"domainnet/{name}{ending}"
        for name in ("quickdraw", "sketch")
        for ending in (".zip", "_train.txt", "_test.txt")
    ]
    assert "run `dtml get task domainnet --set source=sketch --set target=quickdraw`" in str(made.missing())
    assert "run `dtml get task domainnet`" in str(task("domainnet").missing())


def test_what_cannot_be_downloaded_is_told_first() -> None:
    told = str(task("digit_domains", source="svhn", target="syndigits").missing())
    assert told.startswith("SynDigits is not on disk (syndigits/synth_train_32x32.mat")
    assert "get it from http://yaroslav.ganin.net/" in told
    assert "run `dtml get task digit_domains`, or set DTML_DATA" in str(task("digit_domains").missing())


@pytest.mark.parametrize("name", ["office31", "office_home", "office_caltech10", "pacs", "visda2017"])
def test_missing_data_without_a_public_source_comes_with_instructions(name: str) -> None:
    made = task(name)
    dataset = made.datasets[0]
    with pytest.raises(Problem, match="not published for direct download") as caught:
        made.load(0)
    told = str(caught.value)
    assert dataset.home in told
    assert all(line in told for line in dataset.layout)
    with pytest.raises(Problem, match="not published for direct download"):
        made.fetch(lambda _what, _share: None)


def test_a_folder_serves_as_well_as_its_archive(data: Path) -> None:
    file = File("office31/amazon.zip", ("office31/amazon",))
    assert file.find() is None
    (data / "office31" / "amazon").mkdir(parents=True)
    assert file.find() == data / "office31" / "amazon"
    (data / "office31" / "amazon.zip").touch()
    assert file.find() == data / "office31" / "amazon.zip"


def test_only_what_is_missing_is_fetched(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def arrives(urls: list[str], path: Path, checksum: str, progress: object) -> None:
        asked.append(urls[0].rsplit("/", 1)[1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    monkeypatch.setattr("dtml.tasks.fetch", arrives)
    (data / "svhn").mkdir(parents=True)
    (data / "svhn" / "train_32x32.mat").touch()
    made = task("digit_domains", source="svhn", target="usps")
    made.fetch(lambda _what, _share: None)
    assert asked == ["usps.bz2", "usps.t.bz2", "test_32x32.mat"]
    assert made.missing() is None
    assert (paths.downloads() / "svhn" / "test_32x32.mat").exists()


# -- class folders


FOLDERS = [
    ("office31", ("office31/amazon/images", "office31/webcam"), ("amazon", "webcam"), {}),
    ("office_home", ("office_home/Art", "office_home/Real World"), ("Art", "Real World"), {}),
    ("office_home", ("office_home/Clipart", "office_home/Product"), ("Clipart", "Product"),
     {"source": "clipart", "target": "product"}),
    ("office_caltech10", ("office_caltech10/caltech", "office_caltech10/dslr"), ("caltech", "dslr"),
     {"source": "caltech", "target": "dslr"}),
    ("pacs", ("pacs/photo", "pacs/images/sketch"), ("photo", "sketch"), {"target": "sketch"}),
    ("visda2017", ("visda2017/train", "visda2017/validation"), ("train", "validation"), {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "folders", "called", "params"), FOLDERS)
def test_class_folders_are_two_domains(
    data: Path, name: str, folders: tuple[str, str], called: tuple[str, str], params: dict[str, str]
) -> None:
    for seed, folder in enumerate(folders):
        pictures(data / folder, {"bike": 10, "mug": 10}, seed)
    size = {} if name == "office_caltech10" else {"size": 16}
    transfer = load(name, **params, **size)
    assert (transfer.source.name, transfer.target.name) == called
    assert transfer.source.classes == ("bike", "mug")
    assert transfer.source.inputs.shape == (20, *((16, 16, 3) if size else (256, 256, 3)))
    assert {split: len(part) for split, part in transfer.target.splits.items()} == {
        "train": 12, "validation": 2, "test": 6,
    }  # fmt: skip
    assert transfer.source.ids[0] == "bike/000.jpg"
    assert transfer.remarks == []


def test_a_broken_image_of_a_public_dataset_is_named(data: Path) -> None:
    for seed, name in enumerate(("photo", "art_painting")):
        pictures(data / "pacs" / name, {"dog": 4, "horse": 4}, seed)
    (data / "pacs" / "photo" / "dog" / "001.jpg").write_bytes(b"<html>sign in first</html>")
    with pytest.raises(Problem, match="'dog/001.jpg' in .*photo' is no image"):
        load("pacs", size=16)


# -- DomainNet's official lists


def domainnet(data: Path, domain: str, seed: int, archived: bool = False) -> None:
    """Two classes of 20 images, of which 12 train and 6 test; the last two of each are in no list."""
    pictures(data / "domainnet" / domain, {"ant": 20, "zebra": 20}, seed)
    for part, numbers in (("train", range(12)), ("test", range(12, 18))):
        lines = [f"{domain}/{name}/{n:03}.jpg {label}" for label, name in enumerate(("ant", "zebra")) for n in numbers]
        (data / "domainnet" / f"{domain}_{part}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    if archived:
        folder = data / "domainnet" / domain
        with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as file:
            for path in folder.rglob("*.jpg"):
                file.write(path, path.relative_to(folder.parent))
        shutil.rmtree(folder)


def test_domainnet_keeps_its_official_splits(data: Path) -> None:
    domainnet(data, "real", 0)
    domainnet(data, "clipart", 1, archived=True)
    transfer = load("domainnet", size=16)
    for domain in (transfer.source, transfer.target):
        names = {split: sorted(domain.ids[part]) for split, part in domain.splits.items()}
        assert names["test"] == [f"{name}/{n:03}.jpg" for name in ("ant", "zebra") for n in range(12, 18)]
        trained = [f"{name}/{n:03}.jpg" for name in ("ant", "zebra") for n in range(12)]
        assert sorted([*names["train"], *names["validation"]]) == trained
        assert len(names["validation"]) == 2
    told = [str(remark) for remark in transfer.remarks]
    assert told == [f"4 images of {name} are in none of its official lists, so they are left out."
                    for name in ("real", "clipart")]  # fmt: skip


def test_a_broken_list_is_named(data: Path) -> None:
    domainnet(data, "real", 0)
    domainnet(data, "clipart", 1)
    for content in (b"\xff\xfe\x00nonsense", b"<html>sign in first</html>\n"):
        (data / "domainnet" / "real_test.txt").write_bytes(content)
        with pytest.raises(Problem, match="real_test.txt' is not whole"):
            load("domainnet", size=16)
    (data / "domainnet" / "real_test.txt").write_text("real/ant/other.jpg 0\n")
    with pytest.raises(Problem, match="has too few images"):
        load("domainnet", size=16)


# -- digits in MATLAB files


def mat(path: Path, count: int, seed: int) -> NDArray[np.uint8]:
    """A tiny copy of SVHN's layout, where the digit 0 is called 10; returns the images (32, 32, 3, n)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images = np.random.default_rng(seed).integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
    savemat(path, {"X": images, "y": (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]}, do_compression=True)
    return images


def test_house_numbers_and_synthetic_digits_are_read(data: Path) -> None:
    train = mat(data / "svhn" / "train_32x32.mat", 100, 0)
    test = mat(data / "svhn" / "test_32x32.mat", 30, 1)
    for part, count in (("train", 50), ("test", 20)):
        mat(data / "syndigits" / f"synth_{part}_32x32.mat", count, count)
    transfer = load("digit_domains", source="syndigits", target="svhn")
    target = transfer.target
    assert (transfer.source.name, target.name) == ("SynDigits", "SVHN")
    assert target.inputs.shape == (130, 32, 32, 3)
    assert np.array_equal(target.inputs[3], train[..., 3])
    assert np.array_equal(target.inputs[100 + 7], test[..., 7])
    assert list(target.labels[:10]) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert {split: len(part) for split, part in target.splits.items()} == {"train": 90, "validation": 10, "test": 30}
    assert list(target.splits["test"]) == list(range(100, 130))
    assert isinstance(target.inputs, np.memmap)
    few = load("digit_domains", source="syndigits", target="svhn", images=20)
    assert [len(d.splits["train"]) for d in (few.source, few.target)] == [20, 20]


BROKEN = {
    "empty": b"",
    "another page": b"<html>sign in first</html>" * 20,
    "cut off": None,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_matlab_file_is_named(data: Path, content: bytes | None) -> None:
    for name in ("svhn/train_32x32.mat", "svhn/test_32x32.mat", "syndigits/synth_train_32x32.mat"):
        mat(data / name, 20, 0)
    mat(data / "syndigits" / "synth_test_32x32.mat", 20, 0)
    path = data / "svhn" / "test_32x32.mat"
    path.write_bytes(path.read_bytes()[:-3000] if content is None else content)
    with pytest.raises(Problem, match="test_32x32.mat' is not whole; remove it") as caught:
        load("digit_domains", source="syndigits", target="svhn")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["labels", "shape", "keys", "range"])
def test_a_matlab_file_of_something_else_is_named(data: Path, wrong: str) -> None:
    for name in ("svhn/train_32x32.mat", "syndigits/synth_train_32x32.mat", "syndigits/synth_test_32x32.mat"):
        mat(data / name, 20, 0)
    images = np.zeros((32, 32, 3, 5), np.uint8)
    content = {
        "labels": {"X": images, "y": np.ones((4, 1))},
        "shape": {"X": images[:, :, 0], "y": np.ones((5, 1))},
        "keys": {"images": images},
        "range": {"X": images, "y": np.full((5, 1), 11)},
    }[wrong]
    savemat(data / "svhn" / "test_32x32.mat", content)
    with pytest.raises(Problem, match="test_32x32.mat' is not whole"):
        load("digit_domains", source="syndigits", target="svhn")


def test_a_set_of_digits_against_itself_is_refused() -> None:
    with pytest.raises(Problem, match="Source and target are both 'svhn'"):
        load("digit_domains", source="svhn", target="svhn")


def test_a_public_domain_against_itself_is_refused(data: Path) -> None:
    pictures(data / "pacs" / "photo", {"dog": 4, "horse": 4}, 0)
    with pytest.raises(Problem, match="Source and target are both 'photo'"):
        load("pacs", source="photo", target="photo", size=16)
