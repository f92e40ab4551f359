"""Deep Embedded Validation: the source's risk, weighted to speak of the target."""

from __future__ import annotations

from typing import Literal

import numpy as np

from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.language import Text
from dtml.measures import Evidence, Validator
from dtml.measures._arrays import Classes, Rows, as_domains, as_labels, as_predictions
from dtml.measures._separation import out_of_fold


class DEV(Validator):
    """Negated importance-weighted risk with a control variate."""

    name = "dev"
    title = Text("DEV, deep embedded validation", "DEV（深度嵌入验证）")
    summary = Text(
        "Weighs the errors on held-out source samples by how much each looks like the target, and takes the model with "
        "the least. Where the domains do not overlap the weights say nothing.",
        "按源域留出样本与目标域的相似程度对其误差加权，选择误差最小的模型。若两个域不重叠，则权重没有意义。",
    )
    formula = (
        r"-\bigl(\overline{w\ell} + \eta\,\bar w - \eta\bigr),\quad "
        r"\eta = -\frac{\operatorname{Cov}(w\ell, w)}{\operatorname{Var}(w)},\; w = \frac{p_t(x)}{p_s(x)}"
    )  # fmt: skip
    paper = Paper(
        "You, Wang, Long, Jordan", 2019, "Towards Accurate Model Selection in Deep Unsupervised Domain Adaptation",
        "https://proceedings.mlr.press/v97/you19a.html", "algorithm 1",
    )  # fmt: skip

    class Params(BaseParams):
        """Loss and weights."""

        loss: Literal["error", "cross_entropy"] = param("error", "Loss of a source sample", "源域样本的损失")
        folds: int = param(5, "Folds in which the domain classifier is trained", "训练域分类器的折数", ge=2, le=20)

    def __call__(self, evidence: Evidence, seed: int = 0) -> float:
        source, target = as_domains(evidence.source_embeddings, evidence.target_embeddings, least=2)
        labels = as_labels(evidence.source_labels, len(source))
        predictions = as_predictions(evidence.source_probabilities, labels)
        loss = errors(*predictions) if self.params.loss == "error" else cross_entropies(*predictions)
        return -dev_risk(density_ratio(source, target, self.params.folds, seed), loss)


def density_ratio(source: Rows, target: Rows, folds: int, seed: int) -> Rows:
    """p_t(x)/p_s(x) at each row of source (n, d): the odds of a domain classifier that has not seen the row.

    The paper trains the classifier on the training samples and weighs validation samples; here it is
    cross-validated, as only held-out samples are given. Odds are kept within 10⁻⁶ and 10⁶.
    """
    likely = np.clip(out_of_fold(source, target, folds, seed)[0], 1e-6, 1 - 1e-6)
    return likely / (1 - likely)


def dev_risk(weights: Rows, loss: Rows) -> float:
    """mean(wℓ) + η·mean(w) − η of weights w (n,) and losses ℓ (n,), η = −Cov(wℓ, w)/Var(w) (0 for equal weights).

    The mean of the weights should be 1; the control variate takes off what follows from its not being so. Where
    the domains do not overlap all weights are near 0, and it extrapolates: the risk may leave the losses' range.
    """
    weighted = weights * loss
    varied = float(np.square(weights - weights.mean()).mean())
    if varied <= 1e-24 * float(np.square(weights).mean()):
        return float(weighted.mean())
    eta = -float(((weighted - weighted.mean()) * (weights - weights.mean())).mean()) / varied
    return float(weighted.mean()) + eta * (float(weights.mean()) - 1)


def errors(probabilities: Rows, labels: Classes) -> Rows:
    """1 for each row (n, c) whose largest column is not its label (n,), else 0."""
    return (probabilities.argmax(1) != labels).astype(np.float64)


def cross_entropies(probabilities: Rows, labels: Classes) -> Rows:
    """−log p of the label (n,) in each row (n, c), in nats; at most 27.6, for p below 10⁻¹²."""
    return -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12))
