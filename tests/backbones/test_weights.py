"""Weights: downloaded on request, checked, read from local files, and never unpickled."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_model

from dtml import Experiment, catalogue
from dtml.backbones._weights import read
from dtml.backbones.torchvision import Torchvision, renamed
from dtml.errors import Problem
from tests.test_cli import run as dtml

SHAPE = (3, 32, 32)
SMALL = "shufflenet_v2_x0_5"


@dataclass
class Site:
    """A server of our own: what lies where, and what was asked for."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    known = Site("")

    class Server(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            known.asked.append(f"{self.command} {self.path}")
            content = known.files.get(self.path)
            if content is None:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.end_headers()
            if body:
                self.wfile.write(content)
            return None

        def log_message(self, *_arguments: object) -> None:
            """Silence."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    known.address = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield known
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def state(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """Random weights of the small network; no data folder is there."""
    monkeypatch.delenv("DTML_DATA", raising=False)
    torch.manual_seed(1)
    return get_model(SMALL, weights=None).state_dict()  # type: ignore[no-any-return]


def saved(state: Any, path: Path) -> Path:
    torch.save(state, path)
    return path


def small(**params: str) -> Any:
    return catalogue.create("backbone", "torchvision", model=SMALL, **params)


def assert_holds(network: Any, state: dict[str, torch.Tensor]) -> None:
    own = network.model.state_dict()
    assert own
    assert {key for key in state if key not in own} == {"fc.weight", "fc.bias"}
    assert all(torch.equal(own[key], state[key]) for key in own)


# -- downloads


def test_weights_come_on_request_and_are_loaded(
    site: Site, state: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.models import get_model_weights

    content = saved(state, tmp_path / "any.pth").read_bytes()
    name = f"small-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    site.files[f"/{name}"] = content
    default = get_model_weights(SMALL).DEFAULT
    monkeypatch.setattr(default.value, "__dict__", {**vars(default.value), "url": f"{site.address}/{name}"})
    with pytest.raises(Problem, match=f"run `dtml get backbone torchvision --set model={SMALL}`"):
        small().build(SHAPE, pretrained=True)
    assert site.asked == [], "building never asks the network"
    told = dtml("get", "backbone", "torchvision", "--set", f"model={SMALL}")
    assert "everything is here" in told
    assert small().missing() is None
    assert_holds(small().build(SHAPE, pretrained=True), state)
    dtml("get", "backbone", "torchvision", "--set", f"model={SMALL}")
    assert site.asked == [f"GET /{name}"], "what is here is not fetched again"


def test_a_wrong_download_is_never_put_in_place(
    site: Site, state: dict[str, torch.Tensor], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.models import get_model_weights

    site.files["/small-00000000.pth"] = b"something else"
    default = get_model_weights(SMALL).DEFAULT
    url = f"{site.address}/small-00000000.pth"
    monkeypatch.setattr(default.value, "__dict__", {**vars(default.value), "url": url})
    with pytest.raises(Problem, match="wrong checksum"):
        small().fetch(lambda _what, _share: None)
    assert small().missing() is not None
    assert list((home / "data" / "weights").iterdir()) == []


def test_every_published_file_tells_the_beginning_of_its_digest() -> None:
    from torchvision.models import get_model_weights

    from dtml.backbones._weights import Published
    from dtml.backbones.torchvision import models

    for model in models():
        for weights in get_model_weights(model):
            checksum = Published.hashed(weights.url).checksum.removeprefix("sha256:")
            assert len(checksum) >= 8, weights.url
            assert set(checksum) <= set("0123456789abcdef"), weights.url


def test_timm_s_weights_come_on_request_and_are_loaded(
    site: Site, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub
    import timm

    torch.manual_seed(1)
    wanted = timm.create_model("test_vit").state_dict()
    save_file(wanted, tmp_path / "any.safetensors")
    site.files["/file"] = (tmp_path / "any.safetensors").read_bytes()
    asked: list[tuple[str, str]] = []

    def url(repository: str, file: str, revision: str | None) -> str:
        asked.append((repository, file))
        return f"{site.address}/file"

    monkeypatch.setattr(huggingface_hub, "hf_hub_url", url)
    backbone = catalogue.create("backbone", "timm", model="test_vit")
    with pytest.raises(Problem, match="run `dtml get backbone timm --set model=test_vit`"):
        backbone.build(SHAPE, pretrained=True)
    assert site.asked == []
    dtml("get", "backbone", "timm", "--set", "model=test_vit")
    assert asked == [("timm/test_vit.r160_in1k", "model.safetensors")]
    assert site.asked == ["HEAD /file", "GET /file"]
    assert [path.name for path in (home / "data" / "weights" / "timm").iterdir()] == ["test_vit.r160_in1k.safetensors"]
    own = backbone.build(SHAPE, pretrained=True).model.state_dict()
    assert {key for key in wanted if key not in own} == {"head.weight", "head.bias"}
    assert all(torch.equal(own[key], wanted[key]) for key in own)


def test_a_server_that_is_not_there_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "hf_hub_url", lambda *_a, **_k: "http://127.0.0.1:9/file")
    with pytest.raises(Problem, match="did not answer") as caught:
        catalogue.create("backbone", "timm", model="test_vit").fetch(lambda _what, _share: None)
    assert "\n" not in str(caught.value)


def test_a_network_without_published_weights_is_a_sentence(home: Path) -> None:
    import timm

    bare = next(name for name in timm.list_models() if not timm.get_pretrained_cfg(name).hf_hub_id)
    backbone = catalogue.create("backbone", "timm", model=bare)
    for act in (lambda: backbone.fetch(lambda _what, _share: None), backbone._path):
        with pytest.raises(Problem, match=f"timm publishes no weights of '{bare}'"):
            act()


# -- the command line


@pytest.mark.parametrize("setting", ["model", "=vgg16", ""])
def test_a_setting_that_sets_nothing_is_a_sentence(setting: str) -> None:
    with pytest.raises(Problem, match="sets no parameter; write key=value"):
        dtml("get", "backbone", "torchvision", "--set", setting)


def test_settings_are_checked_like_any_parameter() -> None:
    with pytest.raises(Problem, match="no key 'modle'; did you mean 'model'"):
        dtml("get", "backbone", "torchvision", "--set", "modle=vgg16")
    with pytest.raises(Problem, match="no model named 'vgg166'; did you mean 'vgg16'"):
        dtml("get", "backbone", "torchvision", "--set", "model=vgg166")
    with pytest.raises(Problem, match="'samples' is '3', but must be at least 40"):
        dtml("get", "task", "moons", "--set", "samples=3")
    assert "everything is here" in dtml("get", "task", "moons", "--set", "samples=50", "--set", "angle=10")


def test_show_tells_the_names_to_choose() -> None:
    told = dtml("show", "backbone", "torchvision")
    assert "model: alexnet, convnext_base, " in told


# -- local files


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_local_file_is_loaded(
    suffix: str, wrapped: bool, state: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DTML_DATA", str(tmp_path))
    path = tmp_path / f"mine{suffix}"
    if suffix == ".pth":
        saved({"state_dict": state, "epoch": 3} if wrapped else state, path)
    else:
        save_file(state, path)
    for given in (str(path), path.name):
        assert_holds(small(weights=given).build(SHAPE, pretrained=True), state)


def test_a_local_file_may_have_another_classifier(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = saved(state | {"fc.weight": torch.zeros(5, 1024), "fc.bias": torch.zeros(5)}, tmp_path / "five.pth")
    assert_holds(small(weights=str(path)).build(SHAPE, pretrained=True), state)


def test_a_local_file_is_seen_as_the_published_one_of_its_name(home: Path, tmp_path: Path) -> None:
    (tmp_path / "resnet50-0676ba61.pth").touch()
    (tmp_path / "mine.pth").touch()
    published = [
        Torchvision(weights=str(tmp_path / name))._published().name for name in ("resnet50-0676ba61.pth", "mine.pth")
    ]
    assert published == ["IMAGENET1K_V1", "IMAGENET1K_V2"]


class Trap:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("raise SystemError('this was run')",)


@pytest.mark.parametrize("name", ["torchvision", "timm", "resnet18"])
def test_nothing_in_a_file_is_ever_run(name: str, tmp_path: Path, home: Path) -> None:
    params = {} if name == "resnet18" else {"model": "resnet18"}
    for path in (saved({"a": Trap()}, tmp_path / "trap.pth"), tmp_path / "raw.pth", tmp_path / "trap.safetensors"):
        if not path.exists():
            path.write_bytes(pickle.dumps({"a": Trap()}))
        with pytest.raises(Problem, match="cannot be read as plain tensors") as caught:
            catalogue.create("backbone", name, weights=str(path), **params).build(SHAPE, pretrained=True)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"<html>sign in first</html>"], ids=["empty", "another page"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_broken_file_is_a_sentence(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(Problem, match="cannot be read as plain tensors"):
        read(path)


def test_a_file_without_a_state_dict_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="holds no state dict"):
        read(saved(torch.zeros(3), tmp_path / "tensor.pth"))
    with pytest.raises(Problem, match="holds no state dict"):
        read(saved({"epoch": 3}, tmp_path / "epoch.pth"))


@pytest.mark.parametrize("name", ["torchvision", "timm", "resnet18"])
def test_the_weights_of_another_network_are_refused(
    name: str, state: dict[str, torch.Tensor], tmp_path: Path, home: Path
) -> None:
    params = {} if name == "resnet18" else {"model": "resnet18"}
    path = saved(state, tmp_path / "other.pth")
    with pytest.raises(Problem, match="does not hold the weights of 'resnet18' .Missing key") as caught:
        catalogue.create("backbone", name, weights=str(path), **params).build(SHAPE, pretrained=True)
    assert len(str(caught.value)) < 500


def test_weights_that_there_are_not_are_a_sentence(home: Path) -> None:
    with pytest.raises(Problem, match="no weights 'IMAGENET1K_V9' of 'resnet50'; choose default, IMAGENET1K_V1, "):
        catalogue.create("backbone", "torchvision", weights="IMAGENET1K_V9").missing()
    for name in ("timm", "resnet18"):
        with pytest.raises(Problem, match="There is no weights file 'mine.pth'"):
            catalogue.create("backbone", name, weights="mine.pth").build(SHAPE, pretrained=True)


def test_weights_that_classify_nothing_are_not_offered(home: Path) -> None:
    """Those of a VGG-16 for detection: its last layers are not a number."""
    with pytest.raises(Problem, match="'IMAGENET1K_FEATURES' of 'vgg16'; choose default, IMAGENET1K_V1, or"):
        catalogue.create("backbone", "torchvision", model="vgg16", weights="IMAGENET1K_FEATURES").missing()


def test_the_old_names_of_densenet_s_layers_are_understood() -> None:
    old = {"features.denseblock1.denselayer2.norm.1.weight": torch.zeros(1), "features.norm0.bias": torch.zeros(1)}
    assert list(renamed(old)) == ["features.denseblock1.denselayer2.norm1.weight", "features.norm0.bias"]


def test_auxiliary_heads_of_a_file_are_left_out(home: Path, tmp_path: Path) -> None:
    whole = get_model("googlenet", weights=None, init_weights=False).state_dict()
    assert any(key.startswith("aux1.") for key in whole)
    path = saved(whole, tmp_path / "googlenet.pth")
    network = catalogue.create("backbone", "torchvision", model="googlenet", weights=str(path)).build(SHAPE, True)
    assert torch.equal(network.model.inception5b.branch4[1].conv.weight, whole["inception5b.branch4.1.conv.weight"])
    assert network.model.transform_input, "the published weights were learned on inputs scaled otherwise"


def test_what_only_the_built_network_tells_is_refused_before_training(home: Path, tmp_path: Path) -> None:
    import timm

    from dtml.training import train

    path = saved(timm.create_model("test_vit").state_dict(), tmp_path / "vit.pth")
    backbone = {"name": "timm", "model": "test_vit", "weights": str(path)}
    experiment = Experiment(task="digits", strategy="tent", backbone=backbone)
    with pytest.raises(Problem, match="'tent' acts on batch normalisation, but the backbone 'test_vit' has none"):
        next(iter(train(experiment)))
