"""The app without a browser: uploads of every sort, the frame, the strength, what is saved and what never is."""

import ast
import builtins
import io
import itertools

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image

from mirrorme_utils import environment, page, pictures, pixels, translator
from mirrorme_utils.app import App
from mirrorme_utils.config import MoveConfig
from mirrorme_utils.gallery import Tile
from mirrorme_utils.pictures import Box, PictureError

SIZE = 32


def picture(width=64, height=64, seed=0):
    """Smooth random colours."""
    noise = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def packed(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def near(a, b, tolerance=12):
    return np.abs(np.asarray(a, float) - np.asarray(b, float)).max() <= tolerance


@pytest.fixture
def translate():
    torch.manual_seed(0)
    model = translator.mirror_me(MoveConfig(size=SIZE, width=8, code_width=8)).eval()
    torch.nn.init.normal_(model.mover.head.weight, 0, 0.3)
    return torch.no_grad()(model.__call__)


@pytest.fixture
def app(translate, tmp_path):
    targets, sources = ([Tile(f"t{i}", "human", picture(seed=i + k)) for i in range(3)] for k in (0, 10))
    return App(translate, SIZE, targets, sources, folder=tmp_path / "results")


def upload(chooser, data, name="me.png", ipywidgets=8):
    """Hand a file over as the browser does: the widget calls back with its new value."""
    value = ({"name": name, "content": memoryview(data)},) if ipywidgets == 8 else {name: {"content": data}}
    chooser._on_upload({"new": value})


def test_the_gallery_changes_one_side_and_the_result(app):
    before, source = app.result(), app.source.face.picture
    app.target.tiles[2].click()
    assert app.target.face.picture is app.target._gallery[2].picture and app.source.face.picture is source
    assert app.result() != before
    on = [i for i, tile in enumerate(app.target.tiles) if "mm-on" in tile._dom_classes]
    assert on == [2] and app.target.note == "t2, human"


def test_strength_reaches_the_model(app):
    app.strength.value = 0
    unmoved = app.result()
    app.source.choose(1)
    assert app.result() == unmoved
    app.strength.value = 1.5
    moved = app.result()
    app.source.choose(2)
    assert app.result() != moved


def test_parts_that_are_switched_off_do_not_move(app):
    whole = app.result()
    app.parts["mouth"].value = False
    without = app.result()
    app.parts["eyes"].value = app.parts["brows"].value = False
    nothing = app.result()
    app.source.choose(1)
    assert app.result() == nothing, "no part is left that could follow the source"
    assert len({picture.tobytes() for picture in (whole, without, nothing)}) == 3


@pytest.mark.parametrize("ipywidgets", [7, 8])
def test_an_upload_is_taken_and_its_bytes_are_forgotten(app, ipywidgets, tmp_path):
    button = app.target.upload
    upload(app.target, packed(picture(100, 80, 5)), ipywidgets=ipywidgets)
    assert app.target.face.picture.size == (100, 80) and app.target.face.box.side == 80
    assert app.target.upload is not button and not app.target.upload.value
    assert not [tile for tile in app.target.tiles if "mm-on" in tile._dom_classes]
    assert not list(tmp_path.rglob("*"))


def test_an_empty_change_of_the_upload_is_no_upload(app):
    for value in ((), {}, None):
        app.target._on_upload({"new": value})
    assert app.target.note == "t0, human"


WHOLE = packed(picture(200, 200), "JPEG")
BAD = {
    "text": (b"this is no picture", "no picture"),
    "empty": (b"", "empty"),
    "cut": (WHOLE[: len(WHOLE) // 2], "cut short"),
    "png cut": (packed(picture(200, 200))[:3000], "cut short"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
    "tiny": (packed(Image.new("RGB", (3, 300))), "at least 32"),
    "huge": (packed(Image.new("1", (9000, 9000))), "more than"),
    "bomb": (packed(Image.new("1", (30000, 20000))), "too large"),
    "heavy": (b"\x89PNG" + bytes(pictures.MAX_BYTES), "limit"),
    "nothing but a head": (b"\xff\xd8\xff\xe0" + bytes(50), "damaged|no picture"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_upload_is_explained_and_loses_nothing(app, case, capsys):
    app.target.choose(1)
    before, shown = app.result(), app._stage.value
    data, why = BAD[case]
    upload(app.target, data, "<b>holiday.jpg")
    with pytest.raises(PictureError, match=why):
        pictures.read(data, "holiday.jpg")
    assert "holiday" in app.target.note and "stays as it was" in app.target.note
    assert "<b>" not in app.target._note.value and "mm-warn" in app.target._note._dom_classes
    assert app.result() == before and app._stage.value == shown
    app.target.choose(2)
    assert "mm-warn" not in app.target._note._dom_classes
    assert capsys.readouterr() == ("", "")


def test_a_picture_without_a_face_is_taken_as_it_is_with_a_note(app):
    upload(app.source, packed(picture(120, 90, 4)), "wall.png")
    assert "no face" in app.source.note and app.source.face.box == Box(15, 0, 90)
    assert app.source.adjust.value


def test_an_installation_without_a_detector_says_so(app, monkeypatch):
    monkeypatch.setattr(pictures, "detector", lambda: None)
    upload(app.source, packed(picture(120, 90, 4)), "wall.png")
    assert "no face detector" in app.source.note and app.source.face.box.side == 90


def test_the_largest_face_that_is_seen_is_framed(app, monkeypatch):
    class TwoFaces:
        def detectMultiScale(self, grey, **options):
            return np.array([[0, 0, 20, 20], [200, 100, 100, 100]])

    monkeypatch.setattr(pictures, "detector", TwoFaces)
    upload(app.source, packed(picture(640, 400)), "two.png")
    assert "largest of 2" in app.source.note and not app.source.adjust.value
    box = app.source.face.box
    assert box.left < 200 and box.top < 110 and box.left + box.side > 300 and box.top + box.side > 200


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(orientation):
    image = Image.new("RGB", (60, 40), "blue")
    image.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = pictures.read(packed(image, "PNG", exif=exif), "a.png")
    assert shown.size == ((60, 40) if orientation < 5 else (40, 60))
    corner = {1: (5, 5), 2: (55, 5), 3: (55, 35), 4: (5, 35), 5: (5, 5), 6: (35, 5), 7: (35, 55), 8: (5, 55)}
    assert shown.getpixel(corner[orientation]) == (255, 0, 0)


def test_every_mode_becomes_rgb():
    red, half = Image.new("RGB", (40, 40), "red"), Image.new("RGBA", (40, 40), (255, 0, 0, 128))
    clear = Image.new("P", (40, 40))
    clear.info["transparency"] = 0
    cases = [
        (packed(red.convert("CMYK"), "JPEG"), (254, 0, 0)),
        (packed(half), (255, 127, 127)),
        (packed(half, "WEBP", lossless=True), (255, 127, 127)),
        (packed(Image.new("LA", (40, 40), (0, 0))), (255, 255, 255)),
        (packed(clear, transparency=0), (255, 255, 255)),
        (packed(Image.fromarray(np.full((40, 40), 32768, np.uint16))), (255, 255, 255)),
        (packed(red.convert("P"), "GIF"), (255, 0, 0)),
        (packed(red.convert("L")), (76, 76, 76)),
        (packed(red, "BMP"), (255, 0, 0)),
    ]
    for data, colour in cases:
        shown = pictures.read(data, "a")
        assert shown.mode == "RGB" and near(shown.getpixel((20, 20)), colour, 2), colour


def test_grey_of_16_bits_keeps_its_steps():
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    shown = np.asarray(pictures.read(packed(Image.fromarray(ramp)), "a"))[..., 0]
    assert shown[0, 0] == 0 and shown[-1, -1] == 255 and near(shown[32, 0], 128, 2)


def test_a_large_picture_is_worked_on_smaller():
    assert pictures.read(packed(Image.new("L", (6000, 3000))), "a").size == (3000, 1500)


def test_the_frame_follows_its_sliders_and_stays_inside(app):
    upload(app.target, packed(picture(200, 120, 3)))
    for size, across, down in itertools.product((5, 37, 100), (0, 50, 100), (0, 100)):
        for name, value in zip(("Size", "Across", "Down"), (size, across, down)):
            app.target.sliders[name].value = value
        left, top, right, bottom = app.target.face.box.corners
        assert 0 <= left < right <= 200 and 0 <= top < bottom <= 120 and right - left == bottom - top
    app.target.sliders["Size"].value = 50
    assert app.target.face.box == Box(140, 60, 60) and app.result().size == (60, 60)


def test_a_box_near_the_edge_is_moved_inside():
    image = picture(100, 60)
    assert pictures.within(image, 95, 5, 40) == Box(60, 0, 40)
    assert pictures.within(image, 50, 30, 500) == Box(20, 0, 60)
    assert pictures.within(image, 0, 0, 1).side == pictures.MIN_SIDE


def test_the_whole_picture_changes_inside_the_frame_only(app):
    image = picture(200, 120, 3)
    upload(app.target, packed(image))
    for name, value in (("Size", 50), ("Across", 100), ("Down", 0)):
        app.target.sliders[name].value = value
    app.view.value = "Whole picture"
    answer = app.result()
    box = app.target.face.box
    assert answer.size == image.size
    inside = np.zeros((120, 200), bool)
    inside[box.top : box.top + box.side, box.left : box.left + box.side] = True
    moved = np.abs(np.asarray(answer, int) - np.asarray(image)).sum(-1) > 0
    assert moved[inside].any() and not moved[~inside].any()


def test_a_square_target_has_no_view_of_the_whole(app):
    upload(app.target, packed(picture(200, 120)))
    app.view.value = "Whole picture"
    app.target.choose(0)
    assert app.view.value == "Face" and app.view.layout.display == "none"


def test_the_result_has_the_targets_size_and_not_the_models(app, translate):
    assert app.target.face.box.side == 64 and app.result().size == (64, 64)
    t, s = (torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(i)) for i in (0, 1))
    assert torch.allclose(translate(t, s), translate(t, s, full=t), atol=1e-5)
    assert translate(t, s, full=torch.zeros(1, 3, 100, 100)).shape == (1, 3, 100, 100)


def test_saving_twice_keeps_both_and_says_where(app, tmp_path):
    app.label.value = False
    for _ in range(3):
        app.save.click()
    saved = sorted((tmp_path / "results").iterdir())
    assert len(saved) == 3 and all(path.suffix == ".png" for path in saved)
    assert "Saved as" in app.note and "download" in app.note
    with Image.open(saved[0]) as image:
        assert near(image, app.result(), 0)
        assert "Synthetic" in image.text["Description"] and "strength 1.00" in image.text["Description"]
        assert pictures.SYNTHETIC in image.text["XML:com.adobe.xmp"]


def test_the_label_is_seen_in_the_corner_only_and_can_be_left_out(app, tmp_path):
    for wanted in (False, True):
        app.label.value = wanted
        app.save.click()
    first, second = (np.asarray(Image.open(path), int) for path in (tmp_path / "results").iterdir())
    changed = np.abs(first - second).sum(-1) > 0
    assert changed[50:, 20:].any() and not changed[:40].any()


def test_saving_an_upload_keeps_nothing_of_its_file(app, tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    upload(app.target, packed(picture(64, 64), "JPEG", exif=exif, comment=b"a secret place"), "secret.jpg")
    app.save.click()
    (path,) = (tmp_path / "results").iterdir()
    assert b"secret" not in path.read_bytes()


def test_a_folder_that_cannot_be_written_is_said_and_loses_nothing(app, tmp_path):
    (tmp_path / "results").write_text("in the way")
    before = app.result()
    app.save.click()
    assert "Not saved" in app.note and app.result() == before


def test_the_app_shows_and_callbacks_are_silent(app, capsys):
    app._ipython_display_()
    assert "VBox" in capsys.readouterr().out  # outside of a notebook, IPython prints what it cannot show
    app.target.adjust.value = True
    app.strength.value = 0.3
    upload(app.source, b"no")
    app.save.click()
    assert capsys.readouterr() == ("", "")


def test_identity_strength_zero_and_an_untrained_head_copy_the_target():
    model = translator.mirror_me(MoveConfig(size=SIZE, width=8, code_width=8)).eval()
    torch.nn.init.zeros_(model.mover.head.weight)
    t = pixels.to_tensor(np.asarray(picture(SIZE, SIZE)).copy())[None]
    with torch.no_grad():
        assert (model(t, t, strength=0.0) - t).abs().max() < 0.1


def test_the_page_shows_the_app_and_needs_no_cell_that_it_leaves_out():
    notebook = nbformat.read(page.NOTEBOOK, as_version=4)
    shown = page.without_lessons(None, notebook, "").cells
    code = [cell.source for cell in shown if cell.cell_type == "code"]
    assert shown[0].source == "# Mirror me" and code[0] == environment.SETUP_CELL and code[-1].endswith("studio")
    tree, known = ast.parse("\n".join(code)), {*dir(builtins)}
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            known.add(node.asname or node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.add(node.id)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert used <= known, f"cells that are left out define {used - known}"
