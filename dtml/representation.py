"""What losses see: the representations of one domain's batch, never loaders or optimisers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Representation:
    """One domain's batch on its way through the model.

    Attributes:
        features: (n, f) what the backbone gives.
        embedding: (n, d) the space that is aligned, measured and drawn.
        logits: (n, c) class scores.
        labels: (n,) known labels, -1 where unknown; None where the domain has none to show.
        layers: what the backbone's stages and the embedding give, (n, ...) each, from the bottom up, in the type of the
            forward pass; empty where no loss asks for them.
    """

    features: Tensor
    embedding: Tensor
    logits: Tensor
    labels: Tensor | None = None
    layers: tuple[Tensor, ...] = ()

    def split(self, first: int) -> tuple[Representation, Representation]:
        """The first `first` samples and the rest: one forward, two domains."""
        sizes = [first, len(self.embedding) - first]
        whole = (self.features, self.embedding, self.logits)
        features, embeddings, logits = (torch.split(each, sizes) for each in whole)
        labels = (None, None) if self.labels is None else torch.split(self.labels, sizes)
        layers = [torch.split(layer, sizes) for layer in self.layers]
        source, target = (
            Representation(features[i], embeddings[i], logits[i], labels[i], tuple(parts[i] for parts in layers))
            for i in (0, 1)
        )
        return source, target

    def detach(self) -> Representation:
        """The same values without a gradient: what an opponent of the encoder learns from."""
        layers = tuple(layer.detach() for layer in self.layers)
        return Representation(
            self.features.detach(), self.embedding.detach(), self.logits.detach(), self.labels, layers
        )
