"""A Hugging Face encoder for texts, from a local folder or fetched once by name; needs the extra `text`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dtml import paths
from dtml.backbones import Backbone, Network
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.errors import Problem
from dtml.language import Text, mark

FILES = ("*.json", "*.txt", "*.model", "model*.safetensors")
"""What is fetched of a published model: its description, its vocabulary, its weights as data."""
GROUPS = 4
"""Stages that the layers make, at most."""


class Transformer(Backbone):
    """An encoder whose features are the means of its last layer over a text's tokens.

    The classification token is trained for other ends by most encoders; the mean is the usual summary of a text
    (Reimers and Gurevych 2019). A stage's output is likewise the mean over the tokens. The stages are the embeddings
    and up to four groups of layers.
    """

    name = "transformer"
    title = Text("Transformer (Hugging Face)", "Transformer（Hugging Face）")
    summary = Text(
        "A pretrained encoder for texts, from a local folder or fetched by name; needs the extra `text`, and likes a "
        "GPU.",
        "预训练的文本编码器，来自本地文件夹或按名称下载；需要附加组件 `text`，建议使用 GPU。",
    )
    paper = Paper(
        "Devlin, Chang, Lee, Toutanova", 2019,
        "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
        "https://arxiv.org/abs/1810.04805", "section 3",
    )  # fmt: skip
    accepts = ("texts",)
    pretrained = True

    class Params(BaseParams):
        """Which model, and how much of a text it reads."""

        model: str = param(
            "distilbert/distilbert-base-uncased",
            "Model: a folder (below DTML_DATA or a full path), or its name on the Hugging Face hub",
            "模型：文件夹（位于 DTML_DATA 下或完整路径），或 Hugging Face hub 上的名称",
        )
        length: int = param(128, "Tokens of a text that are read", "每条文本读取的词元数", ge=2, le=4096)

    @cached_property
    def _tokenizer(self) -> Any:
        with _quiet() as library, self._understood():
            return library.AutoTokenizer.from_pretrained(self._folder(), local_files_only=True, use_fast=True)

    def encode(self, raw: NDArray[Any]) -> NDArray[Any]:
        """The numbers of each text's tokens (n, length), then -1."""
        texts = [text.decode("utf-8", "replace") for text in raw.tolist()]
        found = self._tokenizer(texts, truncation=True, max_length=self.params.length)["input_ids"]
        tokens = np.full((len(raw), self.params.length), -1, dtype=np.int32)
        for row, own in enumerate(found):
            tokens[row, : len(own)] = own
        return tokens

    def reading(self) -> str:
        return f"The tokens that the tokenizer of {self.params.model} gives, at most {self.params.length}, then -1."

    def build(self, shape: tuple[int, ...], pretrained: bool) -> Network:
        with _quiet() as library, self._understood():
            folder = self._folder()
            config = library.AutoConfig.from_pretrained(folder, local_files_only=True)
            if config.is_encoder_decoder:
                raise ValueError("it is no encoder alone")
            if self.params.length > getattr(config, "max_position_embeddings", self.params.length):
                told = mark("'{model}' reads at most {most} tokens, but 'length' is {length}; lower it.")
                most = config.max_position_embeddings
                raise Problem(told, model=self.params.model, most=most, length=self.params.length)
            if pretrained:
                model = library.AutoModel.from_pretrained(
                    folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
                )
            else:
                model = library.AutoModel.from_config(config)
            return Encoder(model, shape)

    def fetch(self, progress: Any) -> None:
        if self._local():
            return
        with _quiet():
            progress(self.params.model, 0.0)
            _download(self.params.model, self._fetched())
            progress(self.params.model, 1.0)

    def _fetched(self) -> Path:
        """Where a model from the hub is, once fetched."""
        return paths.downloads() / "transformers" / self.params.model.replace("/", "--")

    def _local(self) -> Path | None:
        """The folder of the model: the given one, or what was fetched."""
        given = paths.find_data(str(Path(self.params.model).expanduser()))
        found = [path for path in (given, self._fetched()) if path and (path / "config.json").is_file()]
        return found[0] if found else None

    def _folder(self) -> Path:
        folder = self._local()
        if folder is None:
            raise Problem(
                mark(
                    "The transformer '{model}' is not here; run `dtml get backbone transformer` to download the "
                    "default one, or give a folder with its config.json, tokenizer and model.safetensors as 'model'."
                ),
                model=self.params.model,
            )
        return folder

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Tell what is wrong with the model's files in a sentence."""
        try:
            yield
        except Problem:
            raise
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            told = mark("The transformer '{model}' cannot be read ({error}); it needs a config.json, a tokenizer.json "
                        "and weights as safetensors, and must be an encoder.")  # fmt: skip
            raise Problem(told, model=self.params.model, error=" ".join(str(error).split())[:200]) from None


class Encoder(Network):
    """A whole encoder that runs its own forward; the stages are its parts, so that they can be frozen by name."""

    def __init__(self, model: Any, shape: tuple[int, ...]) -> None:
        if getattr(model, "pooler", None) is not None:
            model.pooler = None  # reads the classification token, which nothing here does
        layers, others = _parts(model)
        groups = np.array_split(np.arange(len(layers)), min(GROUPS, len(layers)))
        stages: dict[str, nn.Module] = {"embeddings": nn.ModuleList(others)}
        for number, group in enumerate(groups):
            stages[f"layers{number + 1}"] = nn.ModuleList([layers[int(i)] for i in group])
        self._count, self._ends = len(layers), [0, *(int(group[-1]) + 1 for group in groups[:-1])]
        self._whole = [model]  # in a list: its parts are registered as stages, and must not be twice
        super().__init__(stages, shape)

    def outputs(self, inputs: Tensor) -> list[Tensor]:
        """The means over the tokens (n, f) of what each stage gives, for tokens (n, length), -1 where there is none."""
        tokens = inputs.long()
        if not torch.compiler.is_exporting():
            tokens = tokens[:, : _longest(tokens)]
        first = torch.arange(tokens.shape[1], device=tokens.device) == 0
        there = (tokens >= 0) | first
        seen = self._whole[0](
            input_ids=tokens.clamp_min(0), attention_mask=there.long(), output_hidden_states=True, return_dict=True
        )
        if len(seen.hidden_states) != self._count + 1:
            raise ValueError("its layers do not give one state each")
        weights = there.unsqueeze(2).to(seen.last_hidden_state.dtype)
        states = [*(seen.hidden_states[end] for end in self._ends), seen.last_hidden_state]
        return [(state * weights).sum(1) / weights.sum(1) for state in states]


def _longest(tokens: Tensor) -> int:
    """The place after the last token that any of the texts has; one at least."""
    places = (tokens >= 0).any(0).nonzero()
    return int(places[-1]) + 1 if len(places) else 1


def _parts(model: nn.Module) -> tuple[nn.ModuleList, list[nn.Module]]:
    """The layers of a model, and all its other parts.

    Raises:
        ValueError: where there are no layers, and where parameters are in no part.
    """
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList) and len(module)]
    if not lists:
        raise ValueError("it has no layers")
    layers = max(lists, key=lambda each: sum(p.numel() for p in each.parameters()))
    others: list[nn.Module] = []
    around = [model]
    while around:
        module = around.pop()
        if any(True for _ in module.parameters(recurse=False)):
            raise ValueError("it has parameters outside of its parts")
        for child in module.children():
            if child is not layers:
                (around if layers in set(child.modules()) else others).append(child)
    return layers, others


@contextmanager
def _quiet() -> Iterator[Any]:
    """The library, without its progress bars and its advice.

    Raises:
        Problem: where the extra `text` is missing.
    """
    try:
        import transformers
    except ImportError:
        told = mark("The backbone 'transformer' needs the package transformers; install dtml with its extra `text`.")
        raise Problem(told) from None
    library: Any = transformers.utils.logging
    level, bars = library.get_verbosity(), library.is_progress_bar_enabled()
    library.set_verbosity_error()
    library.disable_progress_bar()
    try:
        yield transformers
    finally:
        library.set_verbosity(level)
        if bars:
            library.enable_progress_bar()


def _download(model: str, folder: Path) -> None:
    """Fetch a published model by its name; resumed where it stopped, and in place only once it is whole.

    Raises:
        Problem: where the hub does not give it.
    """
    from huggingface_hub import snapshot_download

    part = folder.with_name(f"{folder.name}.part")
    try:
        snapshot_download(model, local_dir=part, allow_patterns=list(FILES), endpoint=os.environ.get("HF_ENDPOINT"))
        if not list(part.glob("*.safetensors")):
            raise OSError("it has no weights as safetensors")
    except (OSError, ValueError, RuntimeError) as error:
        told = mark("The transformer '{model}' could not be downloaded ({error}); try again later, or give a folder.")
        raise Problem(told, model=model, error=" ".join(str(error).split())[:200]) from None
    shutil.rmtree(part / ".cache", ignore_errors=True)
    part.rename(folder)
