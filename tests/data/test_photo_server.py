"""The mini world's photo host misbehaves in the ways that real links are known to fail, and is seen through."""

import socket
from collections import Counter

import pytest
import tiny_world
from rude_server import HOST, QUICK

from mirrorme_utils.data.download import Options, download
from mirrorme_utils.data.photo_server import PhotoServer, choose_faults


def test_the_mini_worlds_host_misbehaves_as_it_says(tmp_path):
    photos = tiny_world.build(tmp_path / "world") / "fec" / "photos"
    names = [path.name for path in photos.iterdir()]
    faults = choose_faults(names, seed=1)
    assert faults == choose_faults(reversed(names), seed=1) != choose_faults(names, seed=2)
    assert Counter(faults.values()) == {"404": 1, "410": 1, "browsers only": 1, "truncated": 1, "html": 1,
                                        "placeholder": 5, "503 once": 1, "slow": 1}  # fmt: skip
    urls = {name: f"http://{HOST}/{name}" for name in names}
    with PhotoServer(photos, faults) as server:
        options = Options(hosts={HOST: server.address}, **QUICK)
        rows = download(urls.values(), tmp_path / "a", options).set_index("url")
        picky = [urls[name] for name, fault in faults.items() if fault == "browsers only"]
        plain = Options(hosts=options.hosts, user_agent="python", **QUICK)
        assert download(picky, tmp_path / "b", plain)["reason"].tolist() == ["HTTP 403"]
    reasons = {fault: rows.loc[urls[name], "reason"] for name, fault in faults.items()}
    assert reasons == {"404": "HTTP 404", "410": "HTTP 410", "browsers only": "", "truncated": "cut off",
                       "html": "not a picture", "placeholder": "placeholder: one picture under many links",
                       "503 once": "", "slow": ""}  # fmt: skip
    assert (rows["state"] == "ok").sum() == len(names) - 9
    with pytest.raises(ConnectionError):  # closed: nobody listens any more
        socket.create_connection(("127.0.0.1", int(server.address.split(":")[1])), timeout=1)
