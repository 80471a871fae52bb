"""The front door: one picture's expression on another, whatever form the pictures come in."""

import numpy as np
import pytest
import torch
from PIL import Image
from samples import encoded, smooth

import mirrorme_utils
from mirrorme_utils import config, pictures, training
from mirrorme_utils.mirror import MirrorMe
from mirrorme_utils.networks import finder, translator
from mirrorme_utils.profiles import WarpingConfig
from mirrorme_utils.world.expressions import BLENDSHAPES


@pytest.fixture
def model():
    torch.manual_seed(0)
    net = translator.build(WarpingConfig(size=32, width=8, code_width=8)).eval().requires_grad_(False)
    torch.nn.init.normal_(net.generator.head.weight, 0, 0.3)
    return MirrorMe("untrained", net, 32)


def test_the_best_that_ships_is_loaded_and_another_by_its_name():
    assert mirrorme_utils.MirrorMe is MirrorMe
    best, small = MirrorMe.load(), MirrorMe.load("moving")
    assert (best.name, best.size) == ("moving-128", 128) and (small.name, small.size) == ("moving", 64)
    with pytest.raises(training.CheckpointError, match="no checkpoint 'nothing'.*there are: .*moving"):
        MirrorMe.load("nothing")
    with pytest.raises(training.CheckpointError, match="FecnetConfig"):
        MirrorMe.load("fecnet")


def test_paths_bytes_pictures_and_arrays_are_all_the_same(model, tmp_path):
    target, source = smooth(90, 60, 1), smooth(50, 70, 2)
    wanted = model.transfer(target, source)
    assert wanted.size == (90, 60) and wanted.mode == "RGB" and wanted != target
    path = tmp_path / "target.jpg"  # which is a PNG
    path.write_bytes(encoded(target, "PNG"))
    for same in (path, str(path), path.read_bytes(), np.asarray(target), target.convert("RGBA")):
        assert model.transfer(same, source).tobytes() == wanted.tobytes()
        assert model.read(same).equals(model.read(target))


def test_only_the_square_of_the_face_changes(model, monkeypatch):
    target, source = smooth(100, 60, 1), smooth(seed=2)
    changed = np.abs(np.asarray(model.transfer(target, source), int) - np.asarray(target)).sum(-1) > 0
    assert changed[:, 20:80].any() and not changed[:, :20].any() and not changed[:, 80:].any(), "the largest square"
    seen = [(40, 20, 16, 16), (2, 2, 10, 10)]
    monkeypatch.setattr(finder, "detect", lambda *_: seen)
    changed = np.abs(np.asarray(model.transfer(target, source), int) - np.asarray(target)).sum(-1) > 0
    assert changed[20:36, 40:56].any() and not changed[:, :32].any() and not changed[:, 65:].any(), "the largest face"


def test_strength_and_parts_reach_the_model(model):
    target, first, second = (smooth(64, 64, seed) for seed in (1, 2, 3))
    still = [model.transfer(target, source, strength=0.0).tobytes() for source in (first, second)]
    none = [model.transfer(target, source, parts=()).tobytes() for source in (first, second)]
    assert len({*still, *none}) == 1, "nothing follows the source"
    moved = {model.transfer(target, first, **how).tobytes() for how in ({}, {"strength": 1.5}, {"parts": ["mouth"]})}
    assert len(moved | {*still}) == 4
    with pytest.raises(ValueError, match="mouth, eyes, brows, not 'ears'"):
        model.transfer(target, first, parts=("mouth", "ears"))


def test_an_expression_is_read_as_weights_by_name(model):
    weights = model.read(smooth(80, 60))
    assert tuple(weights.index) == tuple(BLENDSHAPES) and weights.between(0, 1).all()


def test_a_rendered_smile_is_read_and_put_on_another_face(head):
    from mirrorme_utils.world import expressions, faces

    def face(seed, **weights):
        return Image.fromarray(faces.render(faces.Face("human", seed, "", expressions.compose(**weights)), 128).image)

    best = MirrorMe.load()
    smiling, neutral = face(9_000_001, mouthSmile=1.0, jawOpen=0.4), face(9_000_002)
    assert best.read(smiling)["mouthSmileLeft"] > 0.5 > 0.2 > best.read(neutral)["mouthSmileLeft"]
    assert best.read(best.transfer(neutral, smiling))["mouthSmileLeft"] > 0.4


def test_what_is_no_picture_is_refused(model, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(pictures.PictureError, match="not a picture"):
        model.transfer(tmp_path / "text.jpg", smooth())
    with pytest.raises(FileNotFoundError):
        model.transfer(smooth(), tmp_path / "none.jpg")
    for wrong in (np.zeros((8, 8, 3), np.float32), np.zeros((8, 8, 2), np.uint8), np.zeros(8, np.uint8)):
        with pytest.raises(ValueError, match="an array must be uint8"):
            model.transfer(wrong, smooth())


def test_the_package_lists_its_rooms_and_names_what_it_does_not_have():
    assert {"world", "data", "networks", "experiments", "evaluation", "app", "MirrorMe"} <= {*dir(mirrorme_utils)}
    with pytest.raises(AttributeError, match="nonsense"):
        mirrorme_utils.nonsense  # noqa: B018
    assert mirrorme_utils.config is config
