"""What losses see: the representations of one domain's batch, never loaders or optimisers."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Representation:
    """One domain's batch on its way through the model.

    Attributes:
        features: (n, f) what the backbone gives.
        embedding: (n, d) the space that is aligned, measured and drawn.
        logits: (n, c) class scores.
        labels: (n,) known labels, -1 where unknown; None where the domain has none to show.
        layers: what the backbone's stages and the embedding give, (n, ...) each, from the bottom up; empty where
            no loss asks for them.
    """

    features: Tensor
    embedding: Tensor
    logits: Tensor
    labels: Tensor | None = None
    layers: tuple[Tensor, ...] = ()

    def split(self, first: int) -> tuple[Representation, Representation]:
        """The first `first` samples and the rest: one forward, two domains."""
        return self._slice(slice(None, first)), self._slice(slice(first, None))

    def _slice(self, part: slice) -> Representation:
        labels = None if self.labels is None else self.labels[part]
        layers = tuple(layer[part] for layer in self.layers)
        return Representation(self.features[part], self.embedding[part], self.logits[part], labels, layers)

    def detach(self) -> Representation:
        """The same values without a gradient: what an opponent of the encoder learns from."""
        layers = tuple(layer.detach() for layer in self.layers)
        return Representation(
            self.features.detach(), self.embedding.detach(), self.logits.detach(), self.labels, layers
        )
