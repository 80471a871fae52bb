"""The app and the labeller in a browser, as a page and in JupyterLab: every step that a person takes.

Needs Chromium (Debian's package `chromium`) and Playwright; skipped without them. Screenshots lie in `build/screens`.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import nbformat
import pytest
from PIL import Image

from mirrorme_utils import config
from mirrorme_utils.app import page as page_of_the_app
from mirrorme_utils.networks import finder
from mirrorme_utils.world import expressions, faces

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCREENS = config.ROOT / "build" / "screens"
PHONE = 390  # px wide
RESULT = ".mm-panel:has(.mm-result) img.mm-stage, .mm-panel:has(.mm-result) .mm-stage img"
LAB = """
from pathlib import Path
from PIL import Image
from mirrorme_utils import MirrorMe
from mirrorme_utils.app.labeller import Labeller
from mirrorme_utils.app.widget import App
from mirrorme_utils.world.gallery import Tile
names = sorted(path.name for path in Path(".").glob("face*.png"))
tiles = [Tile(name, "human", Image.open(name).convert("RGB")) for name in names]
"""

pytest.importorskip("playwright", reason="Playwright is not installed: pip install playwright")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def files(head, tmp_path_factory):
    """A folder with faces, a photo of two people in which both are found, and a text file that says it is a picture."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "mirrorme_utils").symlink_to(config.ROOT / "mirrorme_utils")  # the set-up cell looks for the course
    seeds = (faces.identity_seed(0, "human", 5_003_000 + i) for i in range(12))
    people = (Image.fromarray(faces.render(faces.Face("human", seed, "", expressions.NEUTRAL), 256).image) for seed in seeds)
    seen = [face for face in people if finder.find_faces(face)][:3]
    for i, face in enumerate(seen):
        face.save(folder / f"face{i}.png")
    photo = Image.new("RGB", (1000, 500), "#8899aa")
    photo.paste(seen[0].resize((330, 330)), (60, 100))
    photo.paste(seen[1].resize((250, 250)), (640, 150))
    assert len(finder.find_faces(photo)) == 2
    photo.save(folder / "two people.jpg", quality=95)
    (folder / "letter.png").write_text("no picture at all")
    return folder


@contextmanager
def serving(command, folder):
    """Start a server on a free port; yield its address as soon as it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(config.ROOT), "JUPYTER_PREFER_ENV_PATH": "1"}
    with open(folder / "server.log", "w") as log:
        server = subprocess.Popen([*command, f"--port={port}"], cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(300):
            assert server.poll() is None, (folder / "server.log").read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/static/favicon.ico", timeout=5)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def opened(browser, address, width=1280):
    """Open a page; return it and the list to which its errors are added."""
    page, errors = browser.new_page(viewport={"width": width, "height": 900}), []
    page.on("console", lambda said: errors.append(f"{said.text} {said.location}") if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    return page, errors


def _ours(errors):
    """Leave out what the servers' own pages miss without internet, such as fonts from elsewhere."""
    return [error for error in errors if "Failed to load resource" not in error]


def screen(page, name):
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=True)


def bring(page, side, path):
    """Upload a file on one side of the app."""
    with page.expect_file_chooser() as chooser:
        page.locator(f".mm-panel:has(.mm-{side}) button:has-text('Your picture')").click()
    chooser.value.set_files(path)


def changed(page, before=None):
    """Wait until the result is another picture than before, and has stayed so for two seconds; return its address."""
    last, since = before, time.monotonic()
    while time.monotonic() - since < 60:
        now = page.locator(RESULT).first.get_attribute("src")
        if now != last:
            last, since = now, time.monotonic()
        elif now != before and time.monotonic() - since > 2:
            return now
        page.wait_for_timeout(100)
    raise AssertionError("the result stays as it was")



def use_the_app(page, files):
    """Pick, slide, upload a photo and a text, choose the second face, save."""
    page.wait_for_selector(RESULT, timeout=180_000)
    shown = changed(page)
    page.locator(".mm-panel:has(.mm-source) .mm-tile").nth(1).click()
    shown = changed(page, shown)
    page.locator(".mm-panel:has(.mm-result) .noUi-handle").first.press("ArrowLeft")
    shown = changed(page, shown)
    bring(page, "target", files / "two people.jpg")
    page.wait_for_selector("text=the largest of 2 faces", timeout=60_000)
    shown = changed(page, shown)
    page.locator(".mm-target-face-1").click()
    page.wait_for_selector("text=Face 2 of 2", timeout=60_000)
    shown = changed(page, shown)
    bring(page, "target", files / "letter.png")
    page.wait_for_selector("text=letter.png is not a picture", timeout=60_000)
    page.wait_for_timeout(1000)
    assert page.locator(RESULT).first.get_attribute("src") == shown, "a bad file must lose nothing"
    page.locator("button:has-text('Save the result')").click()
    page.wait_for_selector("text=Saved as", timeout=60_000)
    (path,) = (files / "results").glob("*.png")
    with Image.open(path) as picture:
        assert "Synthetic" in picture.text["Description"] and picture.size[0] > 100
    path.unlink()


def test_the_app_as_a_page(browser, world, files):
    """`mirrorme app`, from the first visit to a reload and a visit by phone."""
    shutil.copy(page_of_the_app.NOTEBOOK, files)
    script = (
        "import sys; from pathlib import Path; from mirrorme_utils.app import page; "
        f"page.NOTEBOOK = Path({page_of_the_app.NOTEBOOK.name!r}); page.serve(int(sys.argv[1][7:]), browser=False)"
    )
    with serving([sys.executable, "-c", script], files) as address:
        page, errors = opened(browser, address)
        use_the_app(page, files)
        screen(page, "page-wide")
        page.reload()
        page.wait_for_selector(".mm-tile", timeout=180_000)
        assert page.locator("text=Saved as").count() == 0, "a reload starts afresh"
        phone, more = opened(browser, address, PHONE)
        phone.wait_for_selector(RESULT, timeout=180_000)
        screen(phone, "page-phone")
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE, "nothing sticks out"
        assert _ours(errors + more) == []


def run(page, cells):
    """Run the first cells of a notebook by their keys; those that come before the kernel are lost, so try again."""
    first = page.locator(".jp-Notebook .jp-CodeCell").first
    since = time.monotonic()
    while time.monotonic() - since < 180:
        first.click(timeout=60_000)
        for _ in range(cells):
            page.keyboard.press("Shift+Enter")
        page.wait_for_timeout(2000)
        if "[ ]" not in first.locator(".jp-InputPrompt").inner_text():
            return
    raise AssertionError("no kernel runs the first cell")


def test_the_app_and_the_labeller_in_jupyterlab(browser, files):
    """Run a notebook by its keys; vote by mouse and keyboard, twice too fast."""
    cells = [LAB, "App(MirrorMe.load('moving'), tiles, tiles)", "Labeller([names, names[::-1]], 'votes.csv', 'ann')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, files / "lab.ipynb")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--IdentityProvider.token="]
    command += ["--LabApp.news_url=None"]  # a first start would ask whether to show news
    with serving(command, files) as address:
        page, errors = opened(browser, f"{address}/lab/tree/lab.ipynb")
        run(page, len(cells))
        use_the_app(page, files)
        screen(page, "lab-app")
        page.locator(".mm-face-2").dblclick(timeout=60_000)
        page.wait_for_selector("text=1 of 2", timeout=60_000)
        page.wait_for_timeout(1000)
        assert page.locator("text=1 of 2").count() == 1, "the second click of a double click judges nothing"
        page.locator("input[placeholder^='click here']").press_sequentially("1")
        page.wait_for_selector("text=All done", timeout=60_000)
        screen(page, "lab-labeller")
        votes = (files / "votes.csv").read_text().splitlines()
        assert [line[-1] for line in votes[1:]] == ["2", "1"]
        assert _ours(errors) == []
