"""The app without a browser: uploads of every sort, the frame, the strength, what is saved and what never is."""

import itertools

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from PIL import Image
from samples import alive, encoded, png, smooth

from mirrorme_utils import pictures
from mirrorme_utils.app import chooser
from mirrorme_utils.app.widget import App
from mirrorme_utils.framing import Box
from mirrorme_utils.mirror import MirrorMe
from mirrorme_utils.networks import finder, translator
from mirrorme_utils.profiles import WarpingConfig
from mirrorme_utils.world.gallery import Tile

SIZE = 32


@pytest.fixture
def model():
    torch.manual_seed(0)
    net = translator.build(WarpingConfig(size=SIZE, width=8, code_width=8)).eval()
    torch.nn.init.normal_(net.generator.head.weight, 0, 0.3)
    return MirrorMe("untrained", net, SIZE)


@pytest.fixture
def app(model, tmp_path):
    targets, sources = ([Tile(f"t{i}", "human", smooth(seed=i + k)) for i in range(3)] for k in (0, 10))
    return App(model, targets, sources, folder=tmp_path / "results")


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


def test_a_file_may_come_while_another_is_read(app, monkeypatch):
    """Its button must be one that stays."""
    button, there = app.target.upload, []
    monkeypatch.setattr(app.target, "bring", lambda data, name: there.append(app.target.upload))
    upload(app.target, b"")
    assert there == [app.target.upload] and there != [button]


@pytest.mark.parametrize("ipywidgets", [7, 8])
def test_an_upload_is_taken_and_its_bytes_are_forgotten(app, ipywidgets, tmp_path):
    button = app.target.upload
    upload(app.target, encoded(smooth(100, 80, 5), "PNG"), ipywidgets=ipywidgets)
    assert app.target.face.picture.size == (100, 80) and app.target.face.box.side == 80
    assert app.target.upload is not button and not app.target.upload.value
    assert not [tile for tile in app.target.tiles if "mm-on" in tile._dom_classes]
    assert not list(tmp_path.rglob("*"))


def uploads():
    return [widget for widget in alive().values() if isinstance(widget, widgets.FileUpload)]


def test_fifty_uploads_leave_nothing_behind(app, monkeypatch):
    monkeypatch.setattr(finder, "find_faces", lambda picture: [Box(0, 0, 40), Box(10, 10, 50)])
    data = encoded(smooth(100, 80, 5), "PNG")
    upload(app.target, data)
    app.target.choose(0)
    before, files = set(alive()), uploads()
    for _ in range(50):
        upload(app.target, data)
    app.target.choose(0)
    left = [widget for key, widget in alive().items() if key not in before]
    assert len(alive()) == len(before), left
    assert len(uploads()) == len(files) and not any(widget.value for widget in uploads())


def test_each_face_of_a_picture_can_be_chosen_by_a_click(app, monkeypatch):
    boxes = [Box(0, 0, 80), Box(100, 20, 60), Box(40, 60, 30)]
    monkeypatch.setattr(finder, "find_faces", lambda picture: boxes)
    upload(app.target, encoded(smooth(200, 120), "PNG"), "three.png")
    assert app.target.face.box == boxes[0] and "3 faces" in app.target.note
    before = app.result()
    app.target.found[2].click()
    assert app.target.face.box == boxes[2] and app.result().size == (30, 30) != before.size
    assert "face-2" in app.target._found_style.value
    app.target.choose(0)
    assert app.target.found == [] and app.target._found_style.value == ""


def test_the_limit_of_a_file_stands_beside_the_button(app, monkeypatch):
    said = [part.value for part in app.target.widget.children if isinstance(part, widgets.HTML)]
    assert any("at most 10 MB" in text for text in said), "JupyterLab passes no more on"
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5")
    assert chooser.most_bytes() == chooser.UPLOAD_BYTES


def test_an_empty_change_of_the_upload_is_no_upload(app):
    for value in ((), {}, None):
        app.target._on_upload({"new": value})
    assert app.target.note == "t0, human"


WHOLE = encoded(smooth(200, 200))
BAD = {
    "text": (b"this is no picture", "not a picture"),
    "empty": (b"", "empty"),
    "cut": (WHOLE[: len(WHOLE) // 2], "cut off"),
    "png cut": (encoded(smooth(200, 200), "PNG")[:3000], "cut off"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
    "tiny": (encoded(Image.new("RGB", (3, 300)), "PNG"), "too small: 3 x 300"),
    "huge": (png(9000, 9000), "too large"),
    "bomb": (png(30000, 20000), "decompression bomb"),
    "heavy": (b"\x89PNG" + bytes(2**20), "too large: 1 MB"),
    "nothing but a head": (b"\xff\xd8\xff\xe0" + bytes(50), "broken|not a picture"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_upload_is_explained_and_loses_nothing(app, case, capsys, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_BYTES", 2**20)
    app.target.choose(1)
    before, shown = app.result(), app._stage.value
    data, why = BAD[case]
    upload(app.target, data, "<b>holiday.jpg")
    with pytest.raises(pictures.PictureError, match=why) as caught:
        pictures.read(data)
    assert app.target.note == f"<b>holiday.jpg is {caught.value}. Your choice stays as it was."
    assert "<b>" not in app.target._note.value and "mm-warn" in app.target._note._dom_classes
    assert app.result() == before and app._stage.value == shown
    app.target.choose(2)
    assert "mm-warn" not in app.target._note._dom_classes
    assert capsys.readouterr() == ("", "")


def test_a_picture_without_a_face_is_taken_as_it_is_with_a_note(app):
    upload(app.source, encoded(smooth(120, 90, 4), "PNG"), "wall.png")
    assert "no face" in app.source.note and app.source.face.box == Box(15, 0, 90)
    assert app.source.adjust.value


def test_an_installation_without_a_detector_says_so(app, monkeypatch):
    monkeypatch.setattr(finder, "detector", lambda: None)
    upload(app.source, encoded(smooth(120, 90, 4), "PNG"), "wall.png")
    assert "no face detector" in app.source.note and app.source.face.box.side == 90


def test_the_largest_face_that_is_seen_is_framed(app, monkeypatch):
    class TwoFaces:
        def detectMultiScale(self, grey, **options):  # noqa: N802, OpenCV's name
            return np.array([[0, 0, 20, 20], [200, 100, 100, 100]])

    monkeypatch.setattr(finder, "detector", TwoFaces)
    upload(app.source, encoded(smooth(640, 400), "PNG"), "two.png")
    assert "largest of 2" in app.source.note and len(app.source.found) == 2 and not app.source.adjust.value
    box = app.source.face.box
    assert box.left < 200 and box.top < 110 and box.left + box.side > 300 and box.top + box.side > 200


def test_the_frame_follows_its_sliders_and_stays_inside(app):
    upload(app.target, encoded(smooth(200, 120, 3), "PNG"))
    for size, across, down in itertools.product((5, 37, 100), (0, 50, 100), (0, 100)):
        for name, value in zip(("Size", "Across", "Down"), (size, across, down)):
            app.target.sliders[name].value = value
        left, top, right, bottom = app.target.face.box.corners
        assert 0 <= left < right <= 200 and 0 <= top < bottom <= 120 and right - left == bottom - top
    app.target.sliders["Size"].value = 50
    assert app.target.face.box == Box(140, 60, 60) and app.result().size == (60, 60)


def test_the_whole_picture_changes_inside_the_frame_only(app):
    image = smooth(200, 120, 3)
    upload(app.target, encoded(image, "PNG"))
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
    upload(app.target, encoded(smooth(200, 120), "PNG"))
    app.view.value = "Whole picture"
    app.target.choose(0)
    assert app.view.value == "Face" and app.view.layout.display == "none"


def test_a_photo_of_twelve_megapixels_comes_back_whole(app):
    upload(app.target, encoded(smooth(4000, 3000), "JPEG"))
    app.view.value = "Whole picture"
    assert app.result().size == (4000, 3000)


def test_the_result_has_the_targets_size_and_not_the_models(app, model):
    assert app.target.face.box.side == 64 and app.result().size == (64, 64)
    t, s = (torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(i)) for i in (0, 1))
    with torch.no_grad():
        assert torch.allclose(model.translator(t, s), model.translator(t, s, full=t), atol=1e-5)
        assert model.translator(t, s, full=torch.zeros(1, 3, 100, 100)).shape == (1, 3, 100, 100)


def test_saving_twice_keeps_both_and_says_where(app, tmp_path):
    app.label.value = False
    for _ in range(3):
        app.save.click()
    saved = sorted((tmp_path / "results").iterdir())
    assert len(saved) == 3 and all(path.suffix == ".png" for path in saved)
    assert "Saved as" in app.note and "download" in app.note
    with Image.open(saved[0]) as image:
        assert image.tobytes() == app.result().tobytes()
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
    upload(app.target, encoded(smooth(64, 64), "JPEG", exif=exif, comment=b"a secret place"), "secret.jpg")
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
