"""The processes of one training, on a machine or on many: each takes its share of every step's batch.

    torchrun --nproc-per-node 2 -m mirrorme_utils train report
    accelerate launch --multi_gpu --num_processes 2 -m mirrorme_utils train report
    accelerate.notebook_launcher(train.run, ("report",), num_processes=2)            in a notebook

Each process draws the numbers of the whole batch, by the seed and the step, and computes on its own rows (`share`). So
no two processes see the same picture of a step, and a run goes on with another number of processes. Gradients are then
averaged (`average_gradients`). What a loss or a norm takes from the whole batch is gathered (`gathered`, `mean`,
`share_norms`), so that several processes compute what one computes at the same batch, but for rounding.

All processes hold the same weights. Process 0 writes. With one process, every function here returns what it is given,
and nothing is imported. With several, Accelerate starts the group: NCCL on GPUs, one each, and gloo on CPUs.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PATIENCE = timedelta(hours=2)  # with a process that scores, while others wait


def count() -> int:
    """Return how many processes train together: 1, unless a launcher started more."""
    return int(os.environ.get("WORLD_SIZE", 1))


def index() -> int:
    """Return the number of this process, from 0."""
    return 0 if count() == 1 else _state().process_index


@cache
def _state():
    """Return Accelerate's `PartialState`, which joins the group when it is first asked for."""
    try:
        from accelerate import PartialState
    except ImportError:
        raise RuntimeError('training in several processes needs Accelerate: pip install -e ".[cluster]"') from None
    return PartialState(cpu=not torch.cuda.is_available(), timeout=PATIENCE)


def wait() -> None:
    """Wait until all processes are here."""
    if count() > 1:
        _state().wait_for_everyone()


@contextmanager
def first_alone() -> Iterator[None]:
    """Let process 0 do what is in the block, and the others after it: what it puts on the disk, they find."""
    if count() == 1:
        yield
        return
    with _state().main_process_first():
        yield


def share(n: int) -> slice:
    """Return the rows of a batch of n that are this process's.

    Raises:
        ValueError: the processes cannot share it evenly.
    """
    each, rest = divmod(n, count())
    if rest:
        raise ValueError(f"{count()} processes cannot share a batch of {n} evenly: start as many as divide it")
    return slice(index() * each, (index() + 1) * each)


def anywhere(flag: bool) -> bool:
    """Tell whether the flag is set in any process."""
    if count() == 1:
        return flag
    return mean(torch.tensor(float(flag))).item() > 0


def mean(x: Tensor) -> Tensor:
    """Return the mean over all processes, without a gradient; with one process, x itself."""
    return x if count() == 1 else (_summed(x.detach().to(_state().device)) / count()).to(x.device)


def gathered(x: Tensor) -> Tensor:
    """Return the rows of all processes, in their order, with gradients: (n, …) to (processes x n, …)."""
    return x if count() == 1 else _Gathered.apply(x)


class _Gathered(torch.autograd.Function):
    """Gather rows. Each process's loss is of all rows, so their gradients are summed on the way back."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.rows = slice(index() * len(x), (index() + 1) * len(x))
        return _together(x).flatten(0, 1)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return _summed(gradient)[ctx.rows]


def _together(x: Tensor) -> Tensor:
    """Return x of each process: (processes, …)."""
    _state()
    parts = [torch.empty_like(x, memory_format=torch.contiguous_format) for _ in range(count())]
    torch.distributed.all_gather(parts, x.contiguous())
    return torch.stack(parts)


def _summed(x: Tensor) -> Tensor:
    x = x.contiguous().clone()
    torch.distributed.all_reduce(x)
    return x


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace gradients by their mean over all processes, in one message."""
    if count() == 1 or not (gradients := [p.grad for p in parameters if p.grad is not None]):
        return
    flat = _summed(torch.cat([g.flatten() for g in gradients])) / count()
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients])):
        gradient.copy_(part.view(gradient.shape))


def share_norms(network: nn.Module) -> None:
    """Let a network's batch norms take their statistics over all processes, in place; its weights stay the same objects.

    torch has such a norm for GPUs alone, so CPUs get one of ours.
    """
    if count() == 1:
        return
    if torch.cuda.is_available():
        nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return
    for part in network.modules():
        if type(part) is nn.BatchNorm2d:
            part.__class__ = SharedBatchNorm


class SharedBatchNorm(nn.BatchNorm2d):
    """A batch norm over the batches of all processes: (B, C, H, W), the same shape in each, in and out."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        self.num_batches_tracked.add_(1)
        # (C,) each, of this process; 16 times as fast as var_mean, and as torch's own norm counts. 0: remember nothing yet.
        own = torch.batch_norm_update_stats(x.detach(), self.running_mean, self.running_var, 0.0)
        averages, variances = _together(torch.stack(own)).unbind(1)  # (processes, C) each
        average, variance = averages.mean(0), variances.mean(0) + averages.var(0, correction=0)
        n = count() * x.numel() / x.shape[1]
        self.running_mean.lerp_(average, self.momentum)
        self.running_var.lerp_(variance * n / (n - 1), self.momentum)
        return _Normalised.apply(x, self.weight, self.bias, average, variance, self.eps, n)


class _Normalised(torch.autograd.Function):
    """Normalise by statistics that come from x itself: y = w (x - average) / sqrt(variance + eps) + b."""

    @staticmethod
    def forward(
        ctx, x: Tensor, weight: Tensor, bias: Tensor, average: Tensor, variance: Tensor, eps: float, n: float
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(x, weight, average, variance)
        ctx.eps, ctx.n = eps, n
        return F.batch_norm(x, average, variance, weight, bias, eps=eps)

    @staticmethod
    def backward(ctx, dy: Tensor) -> tuple:
        x, weight, average, variance = ctx.saved_tensors
        # As if the statistics were constants; dw and db are the sums of dy (x - average) / deviation and of dy.
        constant = dy, x, weight, average, variance, None, None, False, ctx.eps, [True, True, True]
        dx, dw, db = torch.ops.aten.native_batch_norm_backward(*constant)
        all_dw, all_db = _summed(torch.stack([dw, db]))
        # Then what x changes through them: w / deviation (db + dw (x - average) / deviation) / n, a line in x.
        scale = torch.rsqrt(variance + ctx.eps)
        slope = weight * scale.square() * all_dw / ctx.n
        offset = weight * scale * all_db / ctx.n - slope * average
        line = torch.addcmul(offset.view(-1, 1, 1), slope.view(-1, 1, 1), x.float())
        return dx.sub_(line), dw, db, None, None, None, None
