"""Where and how precisely to compute."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from contextlib import AbstractContextManager, nullcontext

import torch

from dtml.errors import Problem
from dtml.language import mark

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Options of glibc's `mallopt`; 32 MiB is the largest threshold that it takes."""


def pick_device() -> torch.device:
    """`DTML_DEVICE` where set, else CUDA, else Apple's MPS, else the CPU."""
    wanted = os.environ.get("DTML_DEVICE")
    if wanted:
        return _named(wanted)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def _named(name: str) -> torch.device:
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(name.split(":")[0]):
        here = ", ".join(kind for kind, there in available.items() if there)
        raise Problem(
            mark("DTML_DEVICE is '{device}', which is not available here; set it to one of {here}."),
            device=name,
            here=here,
        )
    return torch.device(name)


def fast_type(device: torch.device, precision: str, images: bool) -> torch.dtype | None:
    """bfloat16 where `precision` is "auto", the hardware computes in it and the work is convolutions; else None."""
    if precision != "auto" or not images:
        return None
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else None
    if device.type == "cpu":
        return torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() and _fast_bf16() else None
    return None


def _fast_bf16() -> bool:
    """Whether the processor multiplies bfloat16 natively; emulated it is slower than float32."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def autocast(device: torch.device, dtype: torch.dtype | None) -> AbstractContextManager[None]:
    """The context of a forward pass."""
    return torch.autocast(device.type, dtype=dtype) if dtype else nullcontext()


def set_seed(device: torch.device, seed: int) -> None:
    """Seed the random numbers of the CPU and of `device`.

    `torch.manual_seed` seeds every kind of device; where there is no GPU it keeps a stack trace at every call, half
    a millisecond and some memory a step.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees, where the C library is glibc.

    Otherwise the large arrays of every step go back to the system and come again page by page: a step of a small
    convolution net takes up to half as long again.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    library.mallopt(M_MMAP_THRESHOLD, 32 << 20)
    library.mallopt(M_TRIM_THRESHOLD, 1 << 30)


def set_threads() -> None:
    """One compute thread a core that this process may use, or `DTML_THREADS`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("DTML_THREADS") or str(cores)
    if not wanted.isdecimal() or int(wanted) < 1:
        raise Problem(mark("DTML_THREADS is '{threads}', but must be a number of threads such as 2."), threads=wanted)
    torch.set_num_threads(int(wanted))
