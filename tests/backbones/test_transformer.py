"""A Hugging Face encoder as backbone: a tiny randomly initialised BERT, saved to a folder; nothing is downloaded."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dtml
from dtml import Experiment, catalogue
from dtml.augmentation import view
from dtml.backbones import Network
from dtml.errors import Problem
from tests.conftest import QUICK
from tests.tasks.test_texts import texts

transformers = pytest.importorskip("transformers")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "this", "book", "film", "was", "great", "awful", "##ly", ","]
RAW = np.array([b"This book was great", b"awfully", b""])


def saved(folder: Path, layers: int = 5) -> Path:
    """A BERT of some layers with random weights, and a WordPiece tokenizer of a dozen words."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]")
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=layers, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=32, attn_implementation="eager",
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("model") / "tiny")


def backbone(folder: Path, **params: Any) -> Any:
    return catalogue.create("backbone", "transformer", model=str(folder), **{"length": 8, **params})


@pytest.fixture
def network(folder: Path) -> Network:
    network: Network = backbone(folder).build((8,), True)
    return network.eval()


def test_texts_become_tokens(folder: Path) -> None:
    assert backbone(folder).encode(RAW).tolist() == [
        [2, 4, 5, 7, 8, 3, -1, -1],
        [2, 9, 10, 3, -1, -1, -1, -1],
        [2, 3, -1, -1, -1, -1, -1, -1],
    ]
    assert backbone(folder, length=3).encode(RAW)[0].tolist() == [2, 4, 3]


def test_features_are_the_means_over_the_tokens(folder: Path, network: Network) -> None:
    tokens = torch.from_numpy(backbone(folder).encode(RAW))
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        features = network(tokens)
        for row, own in enumerate(tokens):
            alone = model(input_ids=own[own >= 0].long()[None]).last_hidden_state[0].mean(0)
            torch.testing.assert_close(features[row], alone, atol=1e-5, rtol=0)  # sums over another width


def test_a_lost_token_does_not_count(network: Network) -> None:
    """A view loses tokens in the middle: what stands there makes no difference, and no text vanishes."""
    tokens = torch.tensor([[2, 4, -1, 7, 3, -1, -1, -1], [-1] * 8], dtype=torch.int32)
    with torch.no_grad():
        features = network(tokens)
        together = network(tokens[:1])
    assert features.isfinite().all()
    torch.testing.assert_close(features[:1], together, atol=1e-6, rtol=0)
    assert network(view(tokens)).isfinite().all()


def test_stages_hold_every_parameter_once(network: Network, folder: Path) -> None:
    assert list(network.stages) == ["embeddings", "layers1", "layers2", "layers3", "layers4"]
    assert [len(network.stages[name]) for name in list(network.stages)[1:]] == [2, 1, 1, 1]
    model = transformers.AutoModel.from_pretrained(folder)
    model.pooler = None
    assert sum(p.numel() for p in network.parameters()) == sum(p.numel() for p in model.parameters())
    outputs = network.outputs(torch.tensor([[2, 4, 3]]))
    assert [tuple(each.shape) for each in outputs] == [(1, 8)] * 5


def test_a_copy_is_a_network_of_its_own(network: Network) -> None:
    tokens = torch.tensor([[2, 4, 3]])
    other = copy.deepcopy(network)
    before = network(tokens)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert torch.equal(network(tokens), before)
    assert not torch.equal(other(tokens), before)
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(tokens), before)


def test_without_learned_weights_the_seed_decides(folder: Path) -> None:
    made = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        made.append(backbone(folder).build((8,), False).eval()(torch.tensor([[2, 4, 3]])))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


# -- training


@pytest.fixture
def experiment(folder: Path, tmp_path: Path, home: Path) -> Experiment:
    for seed, name in enumerate(("book", "film")):
        texts(60, seed, name).to_csv(tmp_path / f"{name}.csv", index=False)
    return Experiment(
        task={"name": "texts", "source": str(tmp_path / "book.csv"), "target": str(tmp_path / "film.csv")},
        backbone={"name": "transformer", "model": str(folder), "length": 8},
        alignment="dann",
        strategy="feature_extraction",
        training={**QUICK, "steps": 10},
    )


def weights(event: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in event.model.network.state_dict().items()}


def test_frozen_its_features_are_computed_once_and_kept(
    experiment: Experiment, home: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_events, finished = dtml.train(experiment)
    own = network.state_dict()
    assert all(torch.equal(value, own[name]) for name, value in weights(finished).items())
    assert list((home / "cache" / "features").glob("*.npy"))
    monkeypatch.setattr("dtml.training.data.features_of", lambda *_: pytest.fail("computed again"))
    list(dtml.train(experiment.replace(seed=0, alignment="none")))


def test_fine_tuned_only_the_last_stages_move(experiment: Experiment, network: Network) -> None:
    *_events, finished = dtml.train(experiment.replace(strategy={"name": "fine_tuning", "stages": 1}))
    own = network.state_dict()
    moved = {name.split(".")[1] for name, value in weights(finished).items() if not torch.equal(value, own[name])}
    assert moved == {"layers4"}


@pytest.mark.parametrize("strategy", ["delta", "contrastive_pretraining", "gradual_unfreezing"])
def test_strategies_that_look_into_it(experiment: Experiment, strategy: str) -> None:
    *_events, finished = dtml.train(experiment.replace(strategy=strategy, alignment="none"))
    assert finished.result["target_test_accuracy"] is not None


def test_it_leaves_as_safetensors_and_onnx(experiment: Experiment, tmp_path: Path) -> None:
    from dtml.export.model import safetensors
    from dtml.export.onnx import write_onnx
    from dtml.runs.foreground import train_all
    from dtml.runs.store import Store

    (run,) = train_all(Store(), experiment, [], lambda _run, _event: None).values()
    assert run.error is None
    assert safetensors(run)
    assert write_onnx(run, tmp_path / "model.onnx").largest < 1e-3


# -- bad input, one sentence each


def test_what_is_refused(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{")
    pickled = saved(tmp_path / "pickled", 1)
    torch.save(transformers.AutoModel.from_pretrained(pickled).state_dict(), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    for made, sentence in (
        (backbone(tmp_path / "nowhere"), "is not here; run `dtml get backbone transformer`"),
        (backbone(broken), "cannot be read"),
        (backbone(pickled), "cannot be read .*safetensors"),
        (backbone(folder, length=64), "reads at most 32 tokens, but 'length' is 64"),
    ):
        with pytest.raises(Problem, match=sentence) as caught:
            made.build((8,), True)
        assert "\n" not in str(caught.value)


def test_without_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(Problem, match="install dtml with its extra `text`"):
        backbone(folder).build((8,), True)


# -- fetching, from a hub on the loopback address


@pytest.fixture
def hub(folder: Path) -> Iterator[str]:
    """A server that publishes the tiny model as "some/tiny"."""
    sha = "0" * 40

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            name = self.path.rsplit("/", 1)[-1].split("?")[0]
            if self.path.startswith("/api/models/some/tiny/tree/"):
                sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
                tree = [{"type": "file", "path": each, "size": size, "oid": each} for each, size in sizes.items()]
                content = json.dumps(tree).encode()
            elif self.path.startswith("/api/models/some/tiny"):
                names = [{"rfilename": path.name} for path in folder.iterdir()]
                content = json.dumps({"id": "some/tiny", "sha": sha, "siblings": names}).encode()
            elif self.path.startswith("/some/tiny/resolve/") and (folder / name).is_file():
                content = (folder / name).read_bytes()
            else:
                self.send_error(404)
                return
            self.send_response(200)
            for key, value in (("ETag", f'"{len(content)}-{name}"'), ("X-Repo-Commit", sha)):
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_arguments: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_published_model_is_fetched_by_its_name(
    hub: str, home: Path, monkeypatch: pytest.MonkeyPatch, network: Network
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub)
    made = catalogue.create("backbone", "transformer", model="some/tiny", length=8)
    with pytest.raises(Problem, match="'some/tiny' is not here"):
        made.build((8,), True)
    told: list[tuple[str, float]] = []
    made.fetch(lambda *what: told.append(what))
    assert told == [("some/tiny", 0.0), ("some/tiny", 1.0)]
    tokens = torch.tensor([[2, 4, 3]])
    assert torch.equal(made.build((8,), True).eval()(tokens), network(tokens))
    made.fetch(lambda *_what: pytest.fail("fetched again"))
    missing = catalogue.create("backbone", "transformer", model="some/other")
    with pytest.raises(Problem, match="'some/other' could not be downloaded"):
        missing.fetch(lambda *_what: None)
    assert [path.name for path in (home / "data" / "transformers").iterdir()] == ["some--tiny"]
