"""Networks by name: whole, in stages that can be frozen, and the same again from their weights."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from dtml import Experiment, catalogue
from dtml.backbones import Network
from dtml.backbones._stages import ENOUGH, channels_first, stages_of, without_classifier
from dtml.backbones.torchvision import SETTINGS, Torchvision, models
from dtml.errors import Problem
from dtml.experiment import Embedding, Training
from dtml.strategies import Phase
from dtml.training.model import Model
from dtml.training.optimisation import optimiser

WIDTHS = {
    ("torchvision", "resnet18"): 512,
    ("torchvision", "vgg11"): 4096,
    ("torchvision", "inception_v3"): 2048,
    ("torchvision", "googlenet"): 1024,
    ("torchvision", "convnext_tiny"): 768,
    ("torchvision", "vit_b_32"): 768,
    ("torchvision", "efficientnet_b0"): 1280,
    ("torchvision", "mobilenet_v3_small"): 1024,
    ("torchvision", "densenet121"): 1024,
    ("torchvision", "regnet_y_400mf"): 440,
    ("torchvision", "shufflenet_v2_x0_5"): 1024,
    ("torchvision", "swin_t"): 768,
    ("torchvision", "squeezenet1_0"): 512,
    ("torchvision", "mnasnet0_5"): 1280,
    ("torchvision", "maxvit_t"): 512,
    ("timm", "resnet18.a1_in1k"): 512,
    ("timm", "vit_tiny_patch16_224"): 192,
    ("timm", "convnext_atto"): 320,
    ("timm", "cait_xxs24_224"): 192,
    ("timm", "coat_tiny"): 152,
    ("timm", "hrnet_w18_small"): 2048,
}
STAGES = {
    "resnet18": ["conv1", "layer1", "layer2", "layer3", "layer4"],
    "vit_b_32": ["conv_proj", *(f"encoder_layer_{i}" for i in range(12))],
    "convnext_tiny": [f"features_{i}" for i in range(8)],
    "regnet_y_400mf": ["stem", "block1", "block2", "block3", "block4"],
    "vit_tiny_patch16_224": ["patch_embed", *(f"blocks_{i}" for i in range(12))],
}


@pytest.fixture(scope="module", params=WIDTHS, ids=":".join)
def built(request: pytest.FixtureRequest) -> tuple[str, str, Network]:
    """A backbone, its model's name, and the network for small images with random weights."""
    backbone, model = request.param
    torch.manual_seed(0)
    return backbone, model, catalogue.create("backbone", backbone, model=model).build((3, 40, 40), pretrained=False)


def test_its_features_are_the_penultimate_activations(built: tuple[str, str, Network]) -> None:
    backbone, model, network = built
    features = network.eval()(torch.rand(2, 3, 40, 40))
    assert features.shape == (2, network.out_features) == (2, WIDTHS[backbone, model])
    assert features.isfinite().all()


def test_every_parameter_is_in_one_stage(built: tuple[str, str, Network]) -> None:
    _backbone, model, network = built
    held = [id(p) for stage in network.stages.values() for p in stage.parameters()]
    assert sorted(held) == sorted(id(p) for p in network.parameters())
    assert len(network.stages) >= ENOUGH
    assert list(network.stages) == STAGES.get(model, list(network.stages))
    assert not any("." in name for name in network.stages)


def test_every_stage_gives_something_and_the_last_the_features(built: tuple[str, str, Network]) -> None:
    network = built[2].eval()
    images = torch.rand(2, 3, 40, 40)
    with torch.inference_mode():
        outputs = network.outputs(images)
        assert len(outputs) == len(network.stages)
        assert all(len(output) == 2 for output in outputs)
        assert torch.equal(outputs[-1].flatten(1), network(images))
    assert not any(module._forward_hooks for module in network.modules()), "hooks last for one call"


def test_a_state_dict_has_no_weight_twice_and_gives_the_network_back(built: tuple[str, str, Network]) -> None:
    network = built[2].eval()
    state = network.state_dict()
    assert not any(key.startswith("stages.") for key in state)
    again = copy.deepcopy(network)
    assert {id(p) for s in again.stages.values() for p in s.parameters()} == {id(p) for p in again.parameters()}
    assert {id(p) for p in again.parameters()}.isdisjoint(id(p) for p in network.parameters())
    for moved in (copy.deepcopy(network).double(), copy.deepcopy(network).to("meta")):
        assert {id(p) for s in moved.stages.values() for p in s.parameters()} == {id(p) for p in moved.parameters()}
        assert list(moved.stages) == list(network.stages)
    with torch.no_grad():
        for parameter in again.parameters():
            parameter.zero_()
    again.load_state_dict(state)
    images = torch.rand(1, 3, 40, 40)
    with torch.inference_mode():
        assert torch.equal(again(images), network(images))


def test_what_is_frozen_does_not_move_and_the_rest_does(built: tuple[str, str, Network]) -> None:
    """One step with the last stage free: of the network nothing else moves, statistics included."""
    model = Model(built[2], Embedding(), 3)
    last = list(model.network.stages)[-1]
    rates = {f"stages.{last}": 1.0, "head": 1.0, "classifier": 1.0}
    model.set_moving(list(rates))
    assert {id(p) for p in model.network.parameters() if p.requires_grad} == {
        id(p) for p in model.network.stages[last].parameters()
    }
    before = copy.deepcopy(model.network.state_dict())
    free = set(_keys(model.network, model.network.stages[last]))
    steps = optimiser(model, Phase("p", None, rates), [], Training(learning_rate=0.1))  # type: ignore[arg-type]
    cross_entropy(model(torch.rand(2, 3, 40, 40)).logits, torch.tensor([0, 2])).backward()
    steps.step()
    moved = {key for key, value in model.network.state_dict().items() if not torch.equal(value, before[key])}
    assert moved
    assert moved <= free
    model.network.load_state_dict(before)


def _keys(network: nn.Module, stage: nn.Module) -> list[str]:
    """The keys of a stage's parameters and buffers in the network's state dict."""
    held = {id(t) for t in (*stage.parameters(), *stage.buffers())}
    return [key for key, t in (*network.named_parameters(), *network.named_buffers()) if id(t) in held]


# -- stages by hand


class Tiny(nn.Module):
    """A lone parameter, a stem, a part that shares its weights, blocks in a list with a norm behind them, a head."""

    def __init__(self, blocks: int = 3) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 4))
        self.stem = nn.Linear(3, 4)
        self.tied = nn.Linear(3, 4)
        self.tied.weight = self.stem.weight
        self.blocks = nn.ModuleList([nn.Linear(4, 4) for _ in range(blocks)])
        self.norm = nn.LayerNorm(4)
        self.head = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 10))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        values = self.stem(rows) + self.tied(rows) + self.token
        for block in self.blocks:
            values = block(values)
        return self.head(self.norm(values))


def test_stages_by_hand() -> None:
    model = Tiny()
    assert without_classifier(model, 10) == "head.1"
    assert isinstance(model.head[0], nn.Identity), "its own dropout would be seen by losses on distances"
    stages = stages_of(model)
    assert list(stages) == ["stem", "blocks_0", "blocks_1", "blocks_2"]
    assert [id(p) for p in stages["stem"].parameters()] == [
        id(p) for p in (model.stem.weight, model.stem.bias, model.tied.bias, model.token)
    ]
    assert list(stages["blocks_2"].members) == [model.blocks[2], model.norm, model.head]


def test_names_are_long_only_where_they_must_be() -> None:
    def block() -> nn.Module:
        return nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))

    model = nn.Sequential()
    model.add_module("left", nn.Sequential(nn.Sequential(block(), block()), nn.Linear(2, 2)))
    model.add_module("right", nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    assert list(stages_of(model)) == ["left_0_0", "left_0_1", "left_1", "right"]
    pair = {name: nn.ModuleDict({"x": nn.Linear(2, 2), f"y{name}": nn.Linear(2, 2)}) for name in ("a", "b")}
    assert list(stages_of(nn.ModuleDict(pair))) == ["a_x", "ya", "b_x", "yb"]


def test_a_model_of_one_layer_is_one_stage() -> None:
    assert list(stages_of(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))) == ["0"]


def test_maps_and_tokens_come_channels_first() -> None:
    assert channels_first(torch.zeros(2, 7, 7, 5)).shape == (2, 5, 7, 7)
    assert channels_first(torch.zeros(2, 5, 7, 7)).shape == (2, 5, 7, 7)
    assert channels_first(torch.zeros(2, 50, 8)).shape == (2, 8, 50)
    assert channels_first(torch.zeros(2, 8)).shape == (2, 8)


def test_a_grey_image_is_seen_in_colour() -> None:
    network = catalogue.create("backbone", "torchvision", model="mnasnet0_5").build((1, 28, 28), pretrained=False)
    grey = torch.rand(1, 1, 28, 28)
    assert torch.equal(network.eval()(grey), network(grey.expand(-1, 3, -1, -1)))


# -- names


@pytest.mark.parametrize(("backbone", "near"), [("torchvision", "resnet18"), ("timm", "resnet18")])
def test_an_unknown_network_tells_the_nearest(backbone: str, near: str) -> None:
    with pytest.raises(Problem, match=f"no model named 'resnett18'; did you mean '{near}'"):
        catalogue.create("backbone", backbone, model="resnett18").build((3, 32, 32), pretrained=False)


def test_a_sentence_does_not_tell_a_thousand_names() -> None:
    with pytest.raises(Problem) as caught:
        catalogue.create("backbone", "timm", model="???").build((3, 32, 32), pretrained=False)
    assert str(caught.value).endswith(" ….")


def test_without_the_extra_the_sentence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtml.backbones.timm.find_spec", lambda _name: None)
    with pytest.raises(Problem, match="needs the package timm; install dtml with its extra `timm`"):
        catalogue.create("backbone", "timm").build((3, 32, 32), pretrained=False)


def test_the_names_to_choose_are_plain_data() -> None:
    known = catalogue.entry("backbone", "torchvision")["parameters"]["model"]["known"]
    assert {"vgg16", "inception_v3", "resnet50", "convnext_tiny", "vit_b_16", "efficientnet_b0"} <= set(known)
    assert known == sorted(models())


# -- batch normalisation


def test_a_strategy_on_batch_normalisation_refuses_a_network_without() -> None:
    for model in ("vgg16", "convnext_tiny", "vit_b_16"):
        with pytest.raises(Problem, match=f"'adabn' acts on batch normalisation, but the backbone '{model}' has none"):
            Experiment(task="digits", strategy="adabn", backbone={"name": "torchvision", "model": model})
    for model in ("vgg16_bn", "resnet50", "densenet121"):
        Experiment(task="digits", strategy="adabn", backbone={"name": "torchvision", "model": model})


@pytest.mark.slow
def test_which_networks_have_no_batch_normalisation_is_told_truly() -> None:
    """All of torchvision's, built without memory; RegNets compute with tensors while they are built, so not those."""
    from torchvision.models import get_model

    without = Torchvision.without_batch_norm()
    for name in (name for name in models() if not name.startswith("regnet")):
        quick: dict[str, Any] = {"init_weights": False} if name in SETTINGS else {}
        with torch.device("meta"):
            network = get_model(name, weights=None, **quick)
        assert any(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == (name not in without), name
