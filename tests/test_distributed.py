"""Several processes compute what one computes: each has its share of a batch, and the losses are the same."""

import json
import os
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch
from samples import face_set, smooth
from torch import nn

from mirrorme_utils import config, distributed
from mirrorme_utils.experiments import paired, report_gan
from mirrorme_utils.networks import fecnet
from mirrorme_utils.profiles import ReportConfig, WarpingConfig

HERE = config.ROOT / "tests"
SCRIPT = HERE / "shared_training.py"
LAUNCHERS = {
    "torchrun": ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29611", SCRIPT],
    "accelerate launch": [  # with --cpu it would want MPI
        "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision",
        "no", "--dynamo_backend", "no", "--main_process_port", "29612", SCRIPT,
    ],
}  # fmt: skip
NOTEBOOK = """
import sys
sys.path.insert(0, {tests!r})
from accelerate import notebook_launcher
import shared_training
notebook_launcher(shared_training.main, ({folder!r}, {steps}), num_processes=2, use_port="29613")
"""


@pytest.fixture
def in_turn(monkeypatch):
    """Return a function that calls another as each of so many processes would, and lists what it returns."""

    def call(n, function):
        results = []
        for i in range(n):
            with monkeypatch.context() as patch:
                patch.setattr(distributed, "count", lambda: n)
                patch.setattr(distributed, "index", lambda i=i: i)
                results.append(function())
        return results

    return call


def test_shares_are_the_whole_batch_and_no_row_twice(in_turn):
    rows = np.arange(12)
    for n in (1, 2, 3, 4, 6):
        assert np.concatenate(in_turn(n, lambda: rows[distributed.share(12)])).tolist() == rows.tolist()
    with pytest.raises(ValueError, match="5 processes cannot share a batch of 12"):
        in_turn(5, lambda: distributed.share(12))


def test_a_share_is_varied_as_in_the_whole_batch(in_turn):
    x = torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    whole = fecnet.augment(x, config.torch_rng(0, "noise"))
    for n in (1, 2, 3):
        parts = in_turn(n, lambda: fecnet.augment(x[distributed.share(6)], config.torch_rng(0, "noise"), of=6))
        assert torch.equal(torch.cat(parts), whole)


def test_shares_of_pairs_are_those_of_one_process(in_turn):
    data, settings = paired.pairs(paired.load(face_set()), seed=0), WarpingConfig(width=8, code_width=8, batch=6)
    (whole,) = in_turn(1, lambda: paired.draw(data, settings, 3))
    parts = in_turn(3, lambda: paired.draw(data, settings, 3))
    for name in ("t", "truth", "s", "blendshapes_t", "blendshapes_truth"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(whole, name)), name
    forced = in_turn(3, lambda: paired.teacher_forced(settings, settings.steps // 2))
    assert torch.equal(torch.cat(forced), paired.teacher_forced(settings, settings.steps // 2))


def test_shares_of_the_reports_batches_are_turned_as_by_one_process(in_turn, tmp_path):
    paths = [tmp_path / f"{n}.png" for n in range(9)]
    for n, path in enumerate(paths):
        smooth(80, 80, seed=n).save(path)
    settings = ReportConfig(batch=4, steps=3, rotation=45.0)
    whole = list(report_gan.batches(paths, settings))
    for parts in zip(*in_turn(2, lambda: list(report_gan.batches(paths, settings))), strict=True):
        expected = whole.pop(0)
        assert all(torch.equal(torch.cat(some), all_) for some, all_ in zip(zip(*parts), expected))


def test_a_shared_norm_is_that_of_the_whole_batch(monkeypatch):
    """Of two processes that hold the same half."""
    monkeypatch.setattr(distributed, "count", lambda: 2)
    monkeypatch.setattr(distributed, "_together", lambda x: torch.stack([x, x]))
    monkeypatch.setattr(distributed, "_summed", lambda x: 2 * x)
    generator = torch.Generator().manual_seed(0)
    half, wanted = (torch.randn(4, 3, 5, 5, generator=generator) for _ in range(2))
    results = []
    for norm, times in ((nn.BatchNorm2d(3), 2), (nn.BatchNorm2d(3), 1)):
        nn.init.normal_(norm.weight, 1, 0.3, generator=torch.Generator().manual_seed(1))
        if times == 1:
            distributed.share_norms(nn.Sequential(norm))
        x = half.clone().requires_grad_()
        y = norm(x.repeat(times, 1, 1, 1))
        (y * wanted.repeat(times, 1, 1, 1)).square().sum().backward()
        grads = x.grad / times, norm.weight.grad / times, norm.bias.grad / times
        results.append((y[:4], *grads, norm.running_mean, norm.running_var, norm.eval()(half)))
    assert type(norm) is distributed.SharedBatchNorm
    for a, b in zip(*results):
        assert torch.allclose(a, b, atol=1e-4)


def test_with_one_process_nothing_is_changed_or_imported():
    x, layer = torch.rand(3, requires_grad=True), nn.BatchNorm2d(2)
    assert distributed.gathered(x) is x and distributed.mean(x) is x and distributed.anywhere(True)
    distributed.share_norms(layer)
    assert type(layer) is nn.BatchNorm2d
    program = "import sys, mirrorme_utils.train; sys.exit('accelerate' in sys.modules or 'ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=config.ROOT).returncode == 0


def test_without_accelerate_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RuntimeError, match="cluster"):
        distributed.index()


def run(*command):
    """Run a program in a clean world, with the tests' modules in reach; return what it printed."""
    paths = os.pathsep.join(filter(None, [str(config.ROOT), str(HERE), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "MIRRORME_BARS": "0"}
    done = subprocess.run(
        [sys.executable, *map(str, command)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def losses(folder, processes):
    return json.loads((folder / f"losses-{processes}.json").read_text())


def assert_alike(found, expected):
    for name, values in expected.items():
        assert len(found[name]) == len(values), name
        worst = np.abs(np.array(found[name]) / values - 1).max()
        assert worst <= 1e-3, f"{name}: a loss differs by {worst:.1e}"


@pytest.fixture(scope="module")
def accelerate():
    return pytest.importorskip("accelerate", reason='Accelerate is not installed: pip install -e ".[cluster]"')


STEPS, STOP, FEW = 50, 20, 6


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Return a function that gives the losses of one process in a training of so many steps."""

    @cache
    def of(steps):
        folder = tmp_path_factory.mktemp("alone")
        run(SCRIPT, folder, steps)
        return losses(folder, 1)

    return of


def test_two_processes_have_the_losses_of_one_and_one_of_them_writes(accelerate, alone, tmp_path):
    run("-m", *LAUNCHERS["torchrun"], tmp_path, STEPS)
    assert_alike(losses(tmp_path, 2), alone(STEPS))
    written = (tmp_path / "writers.txt").read_text().split("\n")[:-1]
    assert {line.split()[0] for line in written} == {"0"} and len(written) == len(set(written))
    assert {"fecnet.json", "report.safetensors", "moving.json"} <= {line.split()[1] for line in written}


def test_a_run_goes_on_with_another_number_of_processes(accelerate, alone, tmp_path):
    run("-m", *LAUNCHERS["torchrun"], tmp_path, STEPS, STOP)
    two = losses(tmp_path, 2)
    assert all(len(values) < len(alone(STEPS)[name]) for name, values in two.items()), "an interrupt in one process stops all"
    run(SCRIPT, tmp_path, STEPS)
    one = losses(tmp_path, 1)
    assert_alike({name: two[name] + one[name] for name in two}, alone(STEPS))


@pytest.mark.parametrize("by", ["accelerate launch", "notebook_launcher"])
def test_other_launchers_do_the_same(accelerate, alone, tmp_path, by):
    if by == "notebook_launcher":
        run("-c", NOTEBOOK.format(tests=str(HERE), folder=str(tmp_path), steps=FEW))
    else:
        run("-m", *LAUNCHERS[by], tmp_path, FEW)
    assert_alike(losses(tmp_path, 2), alone(FEW))
