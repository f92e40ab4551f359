"""The tasks on real data; skipped where `DTML_DATA` does not hold it."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dtml import Experiment, catalogue
from dtml.errors import Problem
from dtml.tasks import Transfer
from dtml.tasks._mnist import official, read_mnist
from dtml.tasks.mnist_mnistm import read_mnistm
from dtml.tasks.mnist_usps import read_usps
from tests.conftest import ROOT
from tests.training.test_loop import last

pytestmark = pytest.mark.data


@pytest.fixture(autouse=True)
def _data(request: pytest.FixtureRequest) -> None:
    """Skip where the data that a test names is not there."""
    needed = request.node.get_closest_marker("needs")
    for part in needed.args if needed else ():
        if not Path(os.environ.get("DTML_DATA", "nowhere"), part).exists():
            pytest.skip(f"DTML_DATA holds no {part}")


def load(name: str, **params: object) -> Transfer:
    transfer: Transfer = catalogue.create("task", name, **params).load(0)
    return transfer


@pytest.mark.needs("MNIST", "usps")
def test_mnist_usps_has_the_published_counts() -> None:
    transfer = load("mnist_usps")
    counts = {d.name: {k: len(v) for k, v in d.splits.items()} for d in (transfer.source, transfer.target)}
    assert counts["MNIST"]["test"] == 10_000
    assert counts["MNIST"]["train"] + counts["MNIST"]["validation"] == 60_000
    assert counts["USPS"]["test"] == 2007
    assert counts["USPS"]["train"] + counts["USPS"]["validation"] == 7291
    assert list(np.bincount(transfer.target.labels[transfer.target.splits["test"]])) == [
        359, 264, 198, 166, 200, 160, 170, 147, 166, 177,
    ]  # fmt: skip


@pytest.mark.needs("MNIST", "usps")
def test_protocol_p1_and_the_other_direction() -> None:
    transfer = load("mnist_usps", protocol="P1", direction="usps_to_mnist")
    assert (transfer.source.name, transfer.target.name) == ("USPS", "MNIST")
    assert (len(transfer.source.splits["train"]), len(transfer.target.splits["train"])) == (1800, 2000)


@pytest.mark.needs("MNIST")
def test_the_first_mnist_digits_are_those_that_everyone_knows() -> None:
    source = load("mnist_mnistm").source if Path(os.environ["DTML_DATA"], "mnist_m").exists() else None
    (images, labels), (_test, test_labels) = read_mnist()
    assert list(labels[:5]) == [5, 0, 4, 1, 9]
    assert list(test_labels[:5]) == [7, 2, 1, 0, 4]
    assert (images.min(), images.max()) == (0, 255)
    assert source is None or source.inputs.shape == (70_000, 32, 32, 3)


@pytest.mark.needs("MNIST", "mnist_m")
def test_mnistm_tells_which_images_are_missing() -> None:
    transfer = load("mnist_mnistm", images=500)
    target = transfer.target
    assert len(target.splits["test"]) == 9001
    assert len(target.splits["train"]) == 500
    assert list(target.labels[target.splits["test"]][:3]) == [7, 2, 1]
    assert "5000 of 59001" in str(transfer.remarks[0])


@pytest.mark.needs("MNIST", "usps")
def test_any_two_sets_of_digits_are_in_colour_at_32_pixels() -> None:
    transfer = load("digit_domains", source="usps", target="mnist", images=100)
    assert (transfer.source.name, transfer.target.name) == ("USPS", "MNIST")
    assert transfer.source.inputs.shape == (9298, 32, 32, 3)
    assert transfer.target.inputs.shape == (70_000, 32, 32, 3)
    assert len(transfer.target.splits["train"]) == 100
    assert list(transfer.target.labels[transfer.target.splits["test"]][:5]) == [7, 2, 1, 0, 4]


@pytest.mark.needs("office_caltech10")
def test_office_has_the_published_counts_and_tells_duplicates() -> None:
    transfer = load("office_caltech10", source="amazon", target="webcam")
    assert (len(transfer.source.labels), len(transfer.target.labels)) == (958, 295)
    assert len(transfer.source.classes) == 10
    assert "twice" in str(transfer.remarks[0])
    assert len(load("office_caltech10", source="dslr").source.labels) == 157


@pytest.mark.needs("office_caltech10", "weights")
def test_squeezenet_features_carry_over_from_amazon_to_webcam() -> None:
    """Claim: frozen ImageNet features reach far beyond chance (10 %) on the other domain."""
    path = ROOT / "assets" / "experiments" / "office-caltech10.toml"
    result = last(Experiment.from_toml(path)).result
    assert result["target_test_accuracy"] > 0.5
    assert result["source_test_accuracy"] > 0.8


@pytest.mark.needs("weights")
def test_weights_are_those_of_the_file() -> None:
    import torch

    weights = "weights/squeezenet1_1_caffe-8897a75e.pth"
    network = catalogue.create("backbone", "squeezenet1_1", weights=weights).build((3, 224, 224), pretrained=True)
    state = torch.load(Path(os.environ["DTML_DATA"], weights), weights_only=True)
    assert torch.equal(network.stages["stem"][0].weight, state["features.0.weight"])
    assert network.out_features == 512


@pytest.mark.needs("weights")
def test_a_network_by_name_gives_the_features_of_the_one_written_out() -> None:
    import torch

    weights = "weights/squeezenet1_1_caffe-8897a75e.pth"
    by_name = catalogue.create("backbone", "torchvision", model="squeezenet1_1", weights=weights)
    written = catalogue.create("backbone", "squeezenet1_1", weights=weights)
    images = torch.rand(2, 3, 256, 256)
    with torch.inference_mode():
        first, second = (each.build((3, 256, 256), pretrained=True).eval()(images) for each in (by_name, written))
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("mnist_usps", "run `dtml get task mnist_usps`"),
        ("mnist_mnistm", "MNIST-M is not on disk .*mnist_m/mnist_m_train.zip.*not published for direct download"),
        ("office_caltech10", "put it below DTML_DATA as office_caltech10/amazon/<class>/<image>"),
    ],
)
def test_missing_data_is_one_sentence(name: str, sentence: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTML_DATA", str(home))
    with pytest.raises(Problem, match=sentence) as caught:
        load(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>sign in first</html>", gzip.compress(b"\0\0\x08\x03" + bytes(12), mtime=0)[:-9]],
    ids=["empty", "another page", "cut off"],
)
def test_a_broken_file_of_digits_is_named(content: bytes, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTML_DATA", str(home))
    folders = {"MNIST/raw": ["train-images-idx3-ubyte.gz"], "usps": ["usps.bz2", "usps.t.bz2"]}
    for folder, names in folders.items():
        (home / folder).mkdir(parents=True)
        for name in names:
            (home / folder / name).write_bytes(content)
    with pytest.raises(Problem, match="idx3-ubyte.gz' is not whole; remove it"):
        read_mnist()
    with pytest.raises(Problem, match="usps.bz2' is not whole; remove it"):
        read_usps()


def test_a_broken_archive_of_mnistm_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTML_DATA", str(home))
    (home / "mnist_m").mkdir()
    for name in ("mnist_m_train.zip", "mnist_m_train_labels.txt"):
        (home / "mnist_m" / name).write_bytes(b"\xffnonsense")
    with pytest.raises(Problem, match="mnist_m_train.zip' is not whole; remove it"):
        read_mnistm()
    with zipfile.ZipFile(home / "mnist_m" / "mnist_m_train.zip", "w") as file:
        picture = io.BytesIO()
        Image.new("RGB", (32, 32)).save(picture, "png")
        file.writestr("mnist_m_train/00000000.png", picture.getvalue())
        file.writestr("__MACOSX/mnist_m_train/._00000000.png", b"nonsense")
    with pytest.raises(Problem, match="mnist_m_train_labels.txt' is not whole; remove it"):
        read_mnistm()


@pytest.mark.parametrize(("asked", "train", "validation"), [(None, 45, 5), (10, 10, 40), (60, 45, 5)])
def test_some_always_validate(asked: int | None, train: int, validation: int) -> None:
    part = (np.zeros((50, 2, 2, 1), np.uint8), np.arange(50) % 5)
    splits = official("digits", part, part, asked, 0).splits
    assert [len(splits[name]) for name in ("train", "validation", "test")] == [train, validation, 50]
    assert len(set(np.concatenate(list(splits.values())))) == train + validation + 50


def test_missing_weights_are_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DTML_DATA", str(home))
    squeezenet = catalogue.create("backbone", "squeezenet1_1")
    with pytest.raises(Problem, match="dtml get backbone squeezenet1_1"):
        squeezenet.build((3, 224, 224), pretrained=True)
    with pytest.raises(Problem, match="no weights file 'mine.pth'"):
        catalogue.create("backbone", "squeezenet1_1", weights="mine.pth").build((3, 224, 224), pretrained=True)
