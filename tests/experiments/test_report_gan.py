"""The report's model: its step learns, its variants exist, and what a copy costs is exactly known."""

import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torchvision.transforms.v2 import functional

from mirrorme_utils import config, training
from mirrorme_utils.data import triplets
from mirrorme_utils.experiments import checkpoints, report_gan
from mirrorme_utils.networks import fecnet, losses, pixels, report
from mirrorme_utils.profiles import FecnetConfig, ReportConfig

SMALL = ReportConfig(width=8, steps=4, batch=4, rotation=0.0, learning_rate=2e-3)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "DATA", tmp_path)
    monkeypatch.setattr(config, "CHECKPOINTS", tmp_path / "checkpoints")


@pytest.fixture(scope="module")
def embedding():
    torch.manual_seed(0)
    model = fecnet.build(FecnetConfig(width=8))
    for _ in range(4):  # statistics of the normalisation, without which all embeddings are the same
        model(pixels.to_tensor(pictures(16)))
    return training.fast(model.eval().requires_grad_(False))


def pictures(n, seed=0):
    coarse = torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return pixels.to_uint8(F.interpolate(coarse, size=64, mode="bicubic"))


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Sixteen picture files of twice the size that the networks see, as the crops are."""
    folder = tmp_path_factory.mktemp("crops")
    paths = [folder / f"{n}.png" for n in range(16)]
    for path, picture in zip(paths, pictures(16)):
        Image.fromarray(picture).resize((128, 128)).save(path)
    return paths


def first_batch(faces, settings):
    return next(report_gan.batches(faces, settings))


def test_a_step_lowers_the_losses_of_one_batch(embedding, faces):
    settings = replace(SMALL, alpha=0.0, beta=0.0)
    nets = report_gan.networks(settings, embedding)
    t, s = first_batch(faces, settings)
    history = [report_gan.step(nets, t, s, settings) for _ in range(40)]
    assert history[-1]["consistency"] < 0.7 * history[0]["consistency"]
    assert history[-1]["discriminator"] < history[0]["discriminator"]
    assert set(losses.TERMS) < set(history[0])


def test_a_step_moves_both_networks_and_never_the_embedding(embedding, faces):
    nets = report_gan.networks(SMALL, embedding)
    before = [[p.clone() for p in net.parameters()] for net in (nets.g, nets.d, embedding)]
    report_gan.step(nets, *first_batch(faces, SMALL), SMALL)
    changed = [
        any(not torch.equal(a, b) for a, b in zip(old, net.parameters()))
        for old, net in zip(before, (nets.g, nets.d, embedding))
    ]
    assert changed == [True, True, False]


def test_copying_costs_what_the_formula_says(embedding):
    t, s = pictures(6), pictures(6, seed=1)
    cost = report_gan.copy_losses(embedding, t, s)
    e_t, e_s = fecnet.embed(embedding, t), fecnet.embed(embedding, s)
    x = pixels.to_tensor(t)
    _, parts = losses.report(e_t, e_s, torch.full((6, 1, 6, 6), 0.5), x, x, 1, 1, 1)
    assert cost["embedding"] == pytest.approx(parts["embedding"].item(), abs=1e-6) and 0 < cost["embedding"] <= 0.25
    assert cost["adversarial"] == parts["adversarial"].item() == 0.25
    assert cost["consistency"] == parts["consistency"].item() == 0


def test_the_cosine_loss_is_eight_times_the_mse_of_unit_vectors():
    a, b = F.normalize(torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(0)), dim=2)
    assert (1 - (a * b).sum(1)).mean().item() == pytest.approx(8 * losses.embedding(a, b).item(), rel=1e-5)


def test_the_transforms_are_the_reports():
    picture = Image.fromarray(pictures(1)[0]).resize((128, 128))
    upright = report_gan.transforms(SMALL)(picture)
    assert upright.shape == (3, 64, 64) and upright.dtype == torch.float32
    by_hand = functional.resize(functional.pil_to_tensor(picture) / 127.5 - 1, [64, 64])
    assert torch.allclose(upright, by_hand, atol=1e-5), "normalised to [-1, 1], then resized"
    torch.manual_seed(3)
    turned = report_gan.transforms(replace(SMALL, rotation=45.0))(picture)
    torch.manual_seed(3)
    angle = torch.empty(1).uniform_(-45, 45).item()
    assert torch.equal(turned, functional.rotate(upright, angle)), "turned by at most 45 degrees"
    assert abs(angle) > 5 and turned[:, 0, 0].abs().max() == 0, "corners are mid-grey"


def test_two_data_sets_stand_side_by_side(faces):
    targets, sources = (report_gan.GAN_Dataset(some, report_gan.transforms(SMALL)) for some in (faces, faces[::-1][:9]))
    both = report_gan.ConcatDataset(targets, sources)
    assert (len(targets), len(sources), len(both)) == (16, 9, 9)
    assert all(torch.equal(a, b) for a, b in zip(both[2], (targets[2], targets[13])))
    whole = report_gan.pairs(faces, SMALL)
    orders = [part.paths for part in whole.datasets]
    assert orders[0] != orders[1] and all(sorted(order) == sorted(faces) for order in orders)


def test_a_file_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="broken.png is no readable picture"):
        report_gan.GAN_Dataset([tmp_path / "broken.png"], report_gan.transforms(SMALL))[0]


def test_batches_are_drawn_the_same_again_and_differ_from_step_to_step(faces):
    settings = replace(SMALL, rotation=45.0)
    once, again = (list(report_gan.batches(faces, settings)) for _ in range(2))
    torch.manual_seed(99)
    late = list(report_gan.batches(faces, settings, first=2))
    assert [len(x) for x in (once, again, late)] == [4, 4, 2]
    for served, expected in zip(again + late, once + once[2:]):
        assert all(torch.equal(a, b) for a, b in zip(served, expected))
    assert not torch.equal(once[0][0], once[1][0]) and not torch.equal(once[0][0], once[0][1])
    assert once[0][0].shape == (4, 3, 64, 64)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(folders, embedding, faces, monkeypatch):
    settings, watch = replace(SMALL, steps=6, rotation=45.0), (pictures(2), pictures(2, seed=1))
    whole, g = report_gan.train("report-whole", settings, faces, embedding, watch=watch)
    usual, taken = report_gan.step, []

    def step(*inputs):
        taken.append(1)
        if len(taken) == 3:
            signal.raise_signal(signal.SIGINT)
        return usual(*inputs)

    monkeypatch.setattr(report_gan, "step", step)
    with pytest.raises(KeyboardInterrupt):
        report_gan.train("report-stopped", settings, faces, embedding, watch=watch)
    resumed, again = report_gan.train("report-stopped", settings, faces, embedding, watch=watch)
    assert len(taken) == 6 and resumed.first == 3
    assert all(torch.equal(a, b) for a, b in zip(g.state_dict().values(), again.state_dict().values()))
    before, after = (report_gan.snapshots(run) for run in (whole, resumed))
    assert list(before) == list(after) and all(np.array_equal(before[at], after[at]) for at in before)


@pytest.mark.parametrize(
    "variant", [{}, {"source_at_input": True}, {"depth": 14}, {"skips": False}, {"dimensions": 64}]
)
def test_variants_train_ship_and_load_by_name(folders, embedding, faces, variant):
    settings = replace(SMALL, width=4, **variant)
    theirs = fecnet.wider(embedding) if "dimensions" in variant else embedding
    run, g = report_gan.train("report-variant", settings, faces, theirs)
    assert [row["step"] for row in run.history] == [settings.steps - 1] and not run.loaded
    fec = FecnetConfig(width=8, steps=0)
    training.Run("fecnet", fec, embedding).finish({})
    translate, size = checkpoints.load_translator("report-variant")
    t, s = (pixels.to_tensor(pictures(2, seed)) for seed in (1, 2))
    assert size == 64 and torch.allclose(translate(t, s), report_gan.answer(g, theirs, t, s), atol=1e-5)
    larger = [pixels.resized(x, 96) for x in (t, s)]
    assert translate(*larger).shape == (2, 3, 96, 96), "a picture of any size gives one of its size"
    assert report_gan.train("report-variant", settings, faces, theirs)[0].loaded


def test_alone_the_embedding_loss_has_the_first_steps_for_itself(folders, embedding, faces):
    variants = {"alone": replace(SMALL, alone=SMALL.steps), "only": replace(SMALL, beta=0.0, gamma=0.0), "all": SMALL}
    weights = {name: report_gan.train(name, v, faces, embedding)[1].state_dict() for name, v in variants.items()}
    same = [all(torch.equal(a, b) for a, b in zip(weights["alone"].values(), weights[name].values()))
            for name in ("only", "all")]  # fmt: skip
    assert same == [True, False]


def test_without_skips_only_the_bottleneck_carries_the_picture():
    torch.manual_seed(0)
    unet = report.report_unet(replace(SMALL, skips=False)).train()
    t, e = pixels.to_tensor(pictures(4)), F.normalize(torch.randn(4, 16), dim=1)
    hook = unet.up[0].register_forward_pre_hook(lambda _, x: (torch.zeros_like(x[0]), *x[1:]))
    assert unet(t, e).std(0).max() < 1e-5, "nothing of the target can arrive"
    hook.remove()
    assert unet(t, e).std(0).max() > 1e-4


def test_a_watched_run_keeps_snapshots_up_to_its_last_step(folders, embedding, faces):
    settings, watch = replace(SMALL, steps=10), (pictures(2), pictures(2, seed=1))
    run, g = report_gan.train("report-watched", settings, faces, embedding, watch=watch)
    kept = report_gan.snapshots(run)
    assert list(kept) == sorted(set(report_gan.shown_at(10))) and list(kept)[-1] == 10
    last = pixels.to_uint8(report_gan.answer(g, embedding, *map(pixels.to_tensor, watch)))
    assert np.abs(kept[10].astype(int) - last).max() <= 1
    assert not np.array_equal(kept[1], last)


def test_snapshots_are_kept_beside_the_checkpoint_and_read_again(folders, embedding, faces):
    settings, watch = replace(SMALL, steps=10), (pictures(2), pictures(2, seed=1))
    kept = report_gan.snapshots(report_gan.train("report-watched", settings, faces, embedding, watch=watch)[0])
    loaded, _ = report_gan.train("report-watched", settings, faces, embedding, watch=watch)
    again = report_gan.snapshots(loaded)
    assert loaded.loaded and all(np.array_equal(kept[at], again[at]) for at in kept)


def test_faces_to_look_at_are_of_test_identities(cleaned):
    table = cleaned.faces
    unseen = triplets.load_images([config.DATA / p for p in table[table["split"] == "test"]["image"]], SMALL.size)
    known = {image.tobytes() for image in unseen}
    targets, sources = report_gan.test_faces(SMALL, 6)
    assert len(targets) == len(sources) == 6
    assert all(image.tobytes() in known for image in (*targets, *sources))
    train = triplets.load_images(report_gan.crops("train"), SMALL.size)
    assert len(train) == (table["split"] == "train").sum() and not {image.tobytes() for image in train} & known
