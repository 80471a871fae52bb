"""The report's model: its step learns, its variants exist, and what a copy costs is exactly known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

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


def test_a_step_lowers_the_losses_of_one_batch(embedding):
    settings = replace(SMALL, alpha=0.0, beta=0.0)
    nets = report_gan.networks(settings, embedding)
    t, s = report_gan.draw(pictures(16), settings, 0)
    history = [report_gan.step(nets, t, s, settings) for _ in range(40)]
    assert history[-1]["consistency"] < 0.7 * history[0]["consistency"]
    assert history[-1]["discriminator"] < history[0]["discriminator"]
    assert set(losses.TERMS) < set(history[0])


def test_a_step_moves_both_networks_and_never_the_embedding(embedding):
    nets = report_gan.networks(SMALL, embedding)
    before = [[p.clone() for p in net.parameters()] for net in (nets.g, nets.d, embedding)]
    report_gan.step(nets, *report_gan.draw(pictures(16), SMALL, 0), SMALL)
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


def test_rotation_is_the_same_as_torchvisions_and_keeps_its_limit():
    functional = pytest.importorskip("torchvision.transforms.functional")
    x = pixels.to_tensor(pictures(1))
    assert torch.allclose(report_gan.rotate(x, 0.0, torch.Generator()), x, atol=1e-5)
    angle = (2 * torch.rand(1, generator=torch.Generator().manual_seed(3)).item() - 1) * 45
    turned = report_gan.rotate(x, 45.0, torch.Generator().manual_seed(3))
    bilinear = functional.InterpolationMode.BILINEAR
    theirs = [functional.rotate(x, a, bilinear) for a in (angle, -angle)]
    assert min((turned - y).abs().mean() for y in theirs) < 0.02
    assert turned[0, :, 0, 0].abs().max() == 0 or abs(angle) < 5, "corners are mid-grey"


def test_batches_are_drawn_the_same_again_and_differ_from_step_to_step():
    settings, images = replace(SMALL, rotation=45.0), pictures(32)
    once, again, later = (report_gan.draw(images, settings, at) for at in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(once, again))
    assert not torch.equal(once[0], later[0]) and not torch.equal(once[0], once[1])


@pytest.mark.parametrize(
    "variant", [{}, {"source_at_input": True}, {"depth": 14}, {"skips": False}, {"dimensions": 64}]
)
def test_variants_train_ship_and_load_by_name(folders, embedding, variant):
    settings = replace(SMALL, width=4, **variant)
    theirs = fecnet.wider(embedding) if "dimensions" in variant else embedding
    run, g = report_gan.train("report-variant", settings, pictures(16), theirs)
    assert [row["step"] for row in run.history] == [settings.steps - 1] and not run.loaded
    fec = FecnetConfig(width=8, steps=0)
    training.Run("fecnet", fec, embedding).finish({})
    translate, size = checkpoints.load_translator("report-variant")
    t, s = (pixels.to_tensor(pictures(2, seed)) for seed in (1, 2))
    assert size == 64 and torch.allclose(translate(t, s), report_gan.answer(g, theirs, t, s), atol=1e-5)
    larger = [pixels.resized(x, 96) for x in (t, s)]
    assert translate(*larger).shape == (2, 3, 96, 96), "a picture of any size gives one of its size"
    assert report_gan.train("report-variant", settings, pictures(16), theirs)[0].loaded


def test_alone_the_embedding_loss_has_the_first_steps_for_itself(folders, embedding):
    variants = {"alone": replace(SMALL, alone=SMALL.steps), "only": replace(SMALL, beta=0.0, gamma=0.0), "all": SMALL}
    weights = {name: report_gan.train(name, v, pictures(16), embedding)[1].state_dict() for name, v in variants.items()}
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


def test_snapshots_are_kept_beside_the_checkpoint_and_read_again(folders, embedding):
    frames = {2: pictures(3), 4: pictures(3, seed=1)}
    run, _ = report_gan.train("report-snapshots", SMALL, pictures(16), embedding)
    assert list(report_gan.snapshots(run, frames)) == [2, 4]
    loaded, _ = report_gan.train("report-snapshots", SMALL, pictures(16), embedding)
    kept = report_gan.snapshots(loaded, {})
    assert loaded.loaded and all(np.array_equal(kept[at], frames[at]) for at in frames)


def test_a_watched_run_keeps_snapshots_up_to_its_last_step(folders, embedding):
    settings, watch = replace(SMALL, steps=10), (pictures(2), pictures(2, seed=1))
    run, g = report_gan.train("report-watched", settings, pictures(16), embedding, watch=watch)
    kept = report_gan.snapshots(run, {})
    assert list(kept) == sorted(set(report_gan.shown_at(10))) and list(kept)[-1] == 10
    last = pixels.to_uint8(report_gan.answer(g, embedding, *map(pixels.to_tensor, watch)))
    assert np.abs(kept[10].astype(int) - last).max() <= 1
    assert not np.array_equal(kept[1], last)
    assert report_gan.train("report-watched", settings, pictures(16), embedding, watch=watch)[0].loaded


def test_faces_to_look_at_are_of_test_identities(cleaned):
    table = cleaned.faces
    unseen = triplets.load_images([config.DATA / p for p in table[table["split"] == "test"]["image"]], SMALL.size)
    known = {image.tobytes() for image in unseen}
    targets, sources = report_gan.test_faces(SMALL, 6)
    assert len(targets) == len(sources) == 6
    assert all(image.tobytes() in known for image in (*targets, *sources))
    train = report_gan.pictures("train", SMALL)
    assert not {image.tobytes() for image in train} & known and len(report_gan.pictures("train", SMALL, 5)) == 5
