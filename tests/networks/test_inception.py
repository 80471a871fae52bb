"""Weights that readers bring: files of exactly the published names and shapes are read, others are refused."""

import pytest
import torch

from mirrorme_utils.networks import fecnet, inception

# Layer: shape of its convolution. From the published files; every convolution but `conv2d` has a normalisation.
STEM = {
    "conv2d_1a": (32, 3, 3, 3), "conv2d_2a": (32, 32, 3, 3), "conv2d_2b": (64, 32, 3, 3), "conv2d_3b": (80, 64, 1, 1),
    "conv2d_4a": (192, 80, 3, 3), "conv2d_4b": (256, 192, 3, 3),
    "mixed_6a.branch0": (384, 256, 3, 3), "mixed_6a.branch1.0": (192, 256, 1, 1),
    "mixed_6a.branch1.1": (192, 192, 3, 3), "mixed_6a.branch1.2": (256, 192, 3, 3),
    "mixed_7a.branch0.0": (256, 896, 1, 1), "mixed_7a.branch0.1": (384, 256, 3, 3),
    "mixed_7a.branch1.0": (256, 896, 1, 1), "mixed_7a.branch1.1": (256, 256, 3, 3),
    "mixed_7a.branch2.0": (256, 896, 1, 1), "mixed_7a.branch2.1": (256, 256, 3, 3),
    "mixed_7a.branch2.2": (256, 256, 3, 3),
}  # fmt: skip
BLOCK35 = {"branch0": (32, 256, 1, 1), "branch1.0": (32, 256, 1, 1), "branch1.1": (32, 32, 3, 3),
           "branch2.0": (32, 256, 1, 1), "branch2.1": (32, 32, 3, 3), "branch2.2": (32, 32, 3, 3)}  # fmt: skip
BLOCK17 = {"branch0": (128, 896, 1, 1), "branch1.0": (128, 896, 1, 1), "branch1.1": (128, 128, 1, 7),
           "branch1.2": (128, 128, 7, 1)}  # fmt: skip
BLOCK8 = {"branch0": (192, 1792, 1, 1), "branch1.0": (192, 1792, 1, 1), "branch1.1": (192, 192, 1, 3),
          "branch1.2": (192, 192, 3, 1)}  # fmt: skip


def normed(name, channels):
    shapes = {part: (channels,) for part in ("weight", "bias", "running_mean", "running_var")}
    return {f"{name}.{part}": shape for part, shape in (shapes | {"num_batches_tracked": ()}).items()}


def trunk_shapes():
    shapes = {}
    blocks = [(f"repeat_1.{i}", BLOCK35, (256, 96)) for i in range(5)]
    blocks += [(f"repeat_2.{i}", BLOCK17, (896, 256)) for i in range(10)]
    blocks += [(f"repeat_3.{i}", BLOCK8, (1792, 384)) for i in range(5)] + [("block8", BLOCK8, (1792, 384))]
    layers = dict(STEM)
    for name, branches, (outputs, inputs) in blocks:
        layers |= {f"{name}.{branch}": shape for branch, shape in branches.items()}
        shapes |= {f"{name}.conv2d.weight": (outputs, inputs, 1, 1), f"{name}.conv2d.bias": (outputs,)}
    for name, shape in layers.items():
        shapes |= {f"{name}.conv.weight": shape} | normed(f"{name}.bn", shape[0])
    return shapes


def public_shapes():
    shapes = {f"Inc.{name}": shape for name, shape in trunk_shapes().items()}
    shapes["dense.features.conv0.weight"] = (512, 1792, 1, 1)
    for i in range(5):
        layer, width = f"dense.features.denseblock1.denselayer{i + 1}", 512 + 64 * i
        shapes |= normed(f"{layer}.norm1", width) | normed(f"{layer}.norm2", 256)
        shapes |= {f"{layer}.conv1.weight": (256, width, 1, 1), f"{layer}.conv2.weight": (64, 256, 3, 3)}
    shapes |= normed("dense.features.norm_final", 832)
    return shapes | {
        "dense.classifier.0.weight": (512, 832), "dense.classifier.0.bias": (512,),
        "dense.classifier.2.weight": (16, 512), "dense.classifier.2.bias": (16,),
    }  # fmt: skip


def weights(shape):
    """Numbers that keep the signal's size: random filters, and normalisations that do nothing much."""
    return (
        torch.randn(shape) * (2 / torch.Size(shape[1:]).numel()) ** 0.5
        if len(shape) > 1
        else torch.rand(shape) * 0.2 + 0.9
    )


def filled(shapes, last):
    """A state dict with random weights, and the layers that name people, which are dropped."""
    torch.manual_seed(0)
    state = {name: weights(shape) if shape else torch.tensor(1) for name, shape in shapes.items()}
    return state | {f"{last}logits.weight": torch.zeros(8631, 4), f"{last}last_bn.running_mean": torch.zeros(4)}


def test_a_facenet_file_becomes_a_trunk(tmp_path):
    state = filled(trunk_shapes(), "")
    torch.save(state, tmp_path / "faces.pt")
    trunk = inception.vggface2(tmp_path / "faces.pt")
    assert trunk(torch.zeros(1, 3, 224, 224)).shape == (1, inception.CHANNELS, 5, 5)
    assert torch.equal(trunk.repeat_2[3].branch1[1].conv.weight, state["repeat_2.3.branch1.1.conv.weight"])
    net = fecnet.FECNet(trunk, fecnet.head(inception.CHANNELS, 512, 64, 16), 160)
    assert net.eval()(torch.zeros(2, 3, 64, 64)).shape == (2, 16)


def test_the_published_fecnet_is_read_by_its_names(tmp_path):
    state = filled(public_shapes(), "Inc.")
    torch.save(state, tmp_path / "fecnet.pt")
    net = inception.public_fecnet(tmp_path / "fecnet.pt")
    assert set(net.state_dict()) == set(public_shapes())
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    e = net(x)
    assert e.shape == (2, 16) and torch.allclose(e.norm(dim=1), torch.ones(2), atol=1e-5)
    assert not torch.allclose(e, net(x.flip(1))), "red, green and blue in their order"
    assert torch.equal(fecnet.embed(net, x), e), "not in training mode"


def test_another_file_is_refused(tmp_path):
    torch.save(filled({"conv.weight": (3, 3)}, ""), tmp_path / "other.pt")
    with pytest.raises(ValueError, match="other weights"):
        inception.vggface2(tmp_path / "other.pt")
    with pytest.raises(FileNotFoundError):
        inception.public_fecnet(tmp_path / "none.pt")
