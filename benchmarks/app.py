"""What the app takes on this machine: how long a click takes with one and with three visitors, what fifty uploads leave
in memory, and a 12- and a 48-megapixel picture.

    python benchmarks/app.py            needs Chromium and Playwright; run it while nothing else runs
"""

import io
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
RESULT = ".mm-panel:has(.mm-result) img.mm-stage, .mm-panel:has(.mm-result) .mm-stage img"
SERVE = "import sys; from mirrorme_utils.app import page; page.serve(int(sys.argv[1]), browser=False)"
LARGE = """
import resource, sys, time
from mirrorme_utils import MirrorMe
mirror = MirrorMe.load()
mirror.transfer("figures/target.webp", "figures/source.webp")
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
out = mirror.transfer(sys.argv[1], "figures/source.webp")
seconds, peak = time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(f"{out.width} x {out.height} px in {seconds:.1f} s, peak memory {peak / 2**20:.2f} GiB ({before / 2**20:.2f} before)")
"""


@contextmanager
def app():
    """Serve the app; yield its address and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/static/favicon.ico", timeout=5)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.2)
        yield address, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(30)


def shown(page) -> str:
    return page.locator(RESULT).first.get_attribute("src")


def clicked(pages, tile: int) -> list[float]:
    """Click a source in all pages at once; return how long each took to show another result, in seconds."""
    before = [shown(page) for page in pages]
    start, took = time.monotonic(), {}
    for page in pages:
        page.locator(".mm-panel:has(.mm-source) .mm-tile").nth(tile).click()
    while len(took) < len(pages):
        for i, page in enumerate(pages):
            if i not in took and shown(page) != before[i]:
                took[i] = time.monotonic() - start
    return list(took.values())


def kernels(server: psutil.Process) -> list[psutil.Process]:
    return [child for child in server.children(recursive=True) if "ipykernel" in " ".join(child.cmdline())]


def latency(browser, address: str, visitors: int) -> None:
    pages = [browser.new_page() for _ in range(visitors)]
    start = time.monotonic()
    for page in pages:
        page.goto(address, wait_until="commit")
    for page in pages:
        page.wait_for_selector(RESULT, timeout=300_000)
    opened = time.monotonic() - start
    time.sleep(5)
    took = [seconds for tile in range(1, 11) for seconds in clicked(pages, tile)]
    print(f"{visitors} at once: open after {opened:.1f} s; a click shows its result after "
          f"{statistics.median(took):.2f} s (median of {len(took)}; longest {max(took):.2f})", flush=True)  # fmt: skip
    for page in pages:
        page.close()


def uploads(browser, address: str, server: psutil.Process, count: int = 50) -> None:
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector(RESULT, timeout=300_000)
    kernel = max(kernels(server), key=lambda process: process.create_time())
    rng, memory = np.random.default_rng(0), {}
    for i in range(count + 1):
        if i in (1, 10, count // 2, count):
            memory[i] = kernel.memory_info().rss / 2**20
        noise = np.repeat(np.repeat(rng.integers(0, 256, (40, 60, 3), np.uint8), 50, 0), 50, 1)  # 6 megapixels
        Image.fromarray(noise).save(file := io.BytesIO(), "PNG")
        with page.expect_file_chooser() as chooser:
            page.locator(".mm-panel:has(.mm-target) button:has-text('Your picture')").click()
        chooser.value.set_files({"name": f"noise{i}.png", "mimeType": "image/png", "buffer": file.getvalue()})
        page.wait_for_selector(f"text=noise{i}.png", timeout=60_000)
    print("kernel's memory after uploads: " + ", ".join(f"{n}: {mb:.0f} MB" for n, mb in memory.items()), flush=True)
    page.close()


def large(megapixels: int, width: int, height: int) -> None:
    with Image.open("figures/target.webp") as picture:
        picture.convert("RGB").resize((width, height), Image.Resampling.BICUBIC).save("build/large.jpg", quality=95)
    said = subprocess.run([sys.executable, "-c", LARGE, "build/large.jpg"], capture_output=True, text=True, check=True)
    print(f"{megapixels} megapixels: {said.stdout.strip()}", flush=True)


if __name__ == "__main__":
    for sizes in ((12, 4000, 3000), (48, 8000, 6000)):
        large(*sizes)
    with app() as (address, server), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for visitors in (1, 3):
            latency(browser, address, visitors)
        uploads(browser, address, server)
        deadline = time.monotonic() + 240
        while kernels(server) and time.monotonic() < deadline:
            time.sleep(5)
        print(f"kernels left four minutes after the last visitor: {len(kernels(server))}")
        browser.close()
