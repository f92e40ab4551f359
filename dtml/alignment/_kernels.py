"""What the kernel alignments share: Gaussian kernels of several widths, and the discrepancies that come from them."""

from __future__ import annotations

import torch
from torch import Tensor

from dtml.catalogue import param
from dtml.losses import LossParams


class KernelParams(LossParams):
    """Gaussian kernels of several widths."""

    kernels: int = param(5, "Gaussian kernels", "高斯核个数", ge=1, le=25)
    factor: float = param(2.0, "Ratio of neighbouring variances", "相邻核方差之比", gt=1, le=10)
    bandwidth: float = param(
        0.0,
        "Width σ of the middle kernel (0: from the batch's mean distance)",
        "中间核的宽度 σ（0：由批内平均距离决定）",
        ge=0,
    )


def gaussian_kernel(squared: Tensor, kernels: int, factor: float, bandwidth: float) -> Tensor:
    """Mean of Gaussian kernels (n, n) of the squared distances (n, n) between the rows of both samples.

    The variances are `bandwidth`² times powers of `factor` around 1. A bandwidth of 0 takes half the mean
    squared distance between different rows for its square, as a constant.
    """
    variance = squared.new_tensor(bandwidth**2) if bandwidth else typical_variance(squared.detach())
    variances = [variance * factor ** (i - (kernels - 1) / 2) for i in range(kernels)]
    total = torch.exp(squared * (-0.5 / variances[0]))
    for wider in variances[1:]:
        total = total + torch.exp(squared * (-0.5 / wider))
    return total / kernels


def typical_variance(squared: Tensor) -> Tensor:
    """Half the mean squared distance between different rows; never 0."""
    n = len(squared)
    return (squared.sum() / max(n * (n - 1), 1) / 2).clamp_min(1e-6)


def discrepancy(kernel: Tensor, n: int, unbiased: bool = False) -> Tensor:
    """Squared MMD from the kernel (n + m, n + m) of source and target rows, source first.

    The biased estimate is ≥ 0 and 0 on equal samples; the unbiased one leaves out each row with itself and
    needs two rows a domain (with fewer the biased one stands in).
    """
    within_source, within_target, across = kernel[:n, :n], kernel[n:, n:], kernel[:n, n:]
    leave_out = unbiased and min(n, len(within_target)) > 1
    return _mean(within_source, leave_out) + _mean(within_target, leave_out) - 2 * across.mean()


def _mean(kernel: Tensor, leave_out_diagonal: bool) -> Tensor:
    n = len(kernel)
    return (kernel.sum() - kernel.diagonal().sum()) / (n * (n - 1)) if leave_out_diagonal else kernel.mean()


def class_discrepancies(kernel: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """Squared MMD (c, c) between each class of the source and each class of the target.

    The rows of a class are weighed by their memberships source (n, c) and target (m, c), ≥ 0, as shares of the
    class; `kernel` (n + m, n + m) is that of the rows, source first. A class without members has no meaning.
    """
    n = len(source)
    smallest = torch.finfo(kernel.dtype).tiny
    s, t = (members / members.sum(0).clamp_min(smallest) for members in (source, target))
    within_source = (s * (kernel[:n, :n] @ s)).sum(0)
    within_target = (t * (kernel[n:, n:] @ t)).sum(0)
    return within_source[:, None] + within_target - 2 * s.T @ kernel[:n, n:] @ t
