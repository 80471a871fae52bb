"""A network that lies is not believed, a host that is gone is: what each answers, and what the ledger says of it."""

import os
import re
import socket

import pytest
from rude_server import HOST, QUICK, jpeg
from samples import encoded, oval

from mirrorme_utils.data import crops, doubt, links
from mirrorme_utils.data.doubt import Doubt, Lie
from mirrorme_utils.data.download import Options, download, photo_path
from mirrorme_utils.data.ledger import LEDGER, Ledger
from mirrorme_utils.data.links import Entry

HOSTS = [f"{name}.test" for name in ("alpha", "beta", "gamma", "delta", "epsilon")]
PORTAL = "portal.test"
BLOCKED = encoded(oval("blocked"))


def page(text, status=200):
    return lambda handler, n: handler.say(status, text.encode(), Content_Type="text/html")


def truth(handler, n):
    handler.say(body=jpeg(handler.path))


def signing_in(handler, n):
    """A page that names the link and a token, as portals' pages do."""
    name = handler.path.strip("/").removesuffix(".jpg")
    link = f"http%3A%2F%2F{handler.headers['Host']}{handler.path}"
    handler.say(
        body=f"<html><a href='/in?to={link}&token={hash(name) % 10**9}'>Sign in, room {name}</a></html>".encode()
    )


def to(place):
    return lambda handler, n: handler.say(302, Location=place + handler.path)


LIES = {
    "to a private address": to("http://10.1.1.1/login?for="),
    "to a private name": to("http://localhost/login?for="),
    "to a portal": to(f"http://{PORTAL}/login"),
    "in a circle": to("/again"),
    "a page": page("<html>Please sign in.</html>"),
    "a page of its own for each link": signing_in,
    "plain words": page("sign in first"),
    "nothing": page(""),
    "511": page("<html>sign in</html>", 511),
    "a filter's 403": page("<html>This site is blocked here.</html>", 403),
    "a router's 404": page("<html>Not found on this router</html>", 404),
    "a picture": lambda handler, n: handler.say(body=BLOCKED),
}
OF_SEVERAL = ("a filter's 403", "a router's 404")  # said by one host alone, they are its own


def urls_at(hosts, n):
    return [f"http://{hosts[i % len(hosts)]}/{i}.jpg" for i in range(n)]


def ask(server, urls, folder, **options):
    """Download, and cut a face out of each; return the rows of the ledger."""
    hosts = dict.fromkeys([*HOSTS, HOST, PORTAL], server.address)
    faces = {url: [(crops.key(url, (0, 1, 0, 1)), (0, 1, 0, 1))] for url in urls}
    crops.make_folders(folder / "crops")
    wanted = crops.Wanted(faces, folder / "crops", 16)
    return download(urls, folder, Options(hosts=hosts, per_host=1, **QUICK | options), wanted)


def dead(folder):
    with Ledger(folder / LEDGER) as ledger:
        return ledger.count("dead")


def all_comes(server, urls, folder):
    """Tell the truth from now on; check that all photos come."""
    server.usual = truth
    assert (ask(server, urls, folder)["state"] == "ok").all()
    assert all(photo_path(folder, url).read_bytes() == jpeg("/" + url.rsplit("/", 1)[1]) for url in urls)


@pytest.mark.parametrize("lie", LIES)
def test_equal_answers_of_several_hosts_stop_the_run_and_nothing_is_dead(server, tmp_path, lie):
    urls = urls_at(HOSTS, 60)
    server.usual = LIES[lie]
    with pytest.raises(ConnectionError, match="signed in where the network asks") as caught:
        ask(server, urls, tmp_path)
    assert dead(tmp_path) == 0 and not re.search(r"[.?!] ", str(caught.value)) and sum(server.asked.values()) < 6 * 60
    all_comes(server, urls, tmp_path)


@pytest.mark.parametrize("lie", ["to a private address", "a page of its own for each link", "511"])
def test_so_do_those_of_one_host(server, tmp_path, lie):
    server.usual = LIES[lie]
    with pytest.raises(ConnectionError, match=HOST):
        ask(server, urls_at([HOST], 60), tmp_path)
    assert dead(tmp_path) == 0


@pytest.mark.parametrize("lie", ["to a portal", "a page", "a filter's 403"])
def test_few_links_are_not_marked_dead_either(server, tmp_path, lie):
    server.usual = LIES[lie]
    if lie not in OF_SEVERAL:
        assert (ask(server, urls_at(HOSTS[:2], 4), tmp_path / "two")["state"] == "later").all()
    with pytest.raises(Lie):
        ask(server, urls_at(HOSTS, 5), tmp_path)
    assert dead(tmp_path) == 0


def test_a_picture_that_says_blocked_is_not_cut_out(server, tmp_path):
    urls, server.usual = urls_at(HOSTS, 60), LIES["a picture"]
    honest = photo_path(tmp_path / "lied to", urls[-1])  # of a run that was killed before its ledger was written
    honest.parent.mkdir(parents=True)
    honest.write_bytes(jpeg("/59.jpg"))
    os.utime(honest, (0, 0))
    cut = crops.crop_path(tmp_path / "lied to" / "crops", crops.key(urls[-2], (0, 1, 0, 1)))
    cut.parent.mkdir(parents=True)
    cut.write_bytes(BLOCKED)  # of a process that was stopped between the crop and its photo
    with pytest.raises(Lie):
        ask(server, urls, tmp_path / "lied to")
    assert honest.exists() and not cut.exists()
    server.usual = truth
    for folder in ("lied to", "never lied to"):
        ask(server, urls, tmp_path / folder)
    lied, never = (sorted((tmp_path / folder).rglob("crops/*/*.jpg")) for folder in ("lied to", "never lied to"))
    assert len(lied) == 60 and [path.read_bytes() for path in lied] == [path.read_bytes() for path in never]


def test_a_network_that_lies_from_some_moment_on_is_found_out(server, tmp_path):
    urls, told = urls_at(HOSTS, 120), []

    def answer(handler, n):
        told.append(n)
        (LIES["a page"] if len(told) > 50 else truth)(handler, n)

    server.usual = answer
    with pytest.raises(ConnectionError):
        ask(server, urls, tmp_path)
    with Ledger(tmp_path / LEDGER) as ledger:
        assert ledger.count("dead") == 0 and 40 <= ledger.count("ok") <= 50
    all_comes(server, urls, tmp_path)


def test_hosts_that_are_gone_are_believed(server, tmp_path):
    """Each in its own way, among others whose photos come."""
    ways = [
        page("", 404),
        page("gone", 410),
        page("<html>404 Not Found nginx</html>", 404),
        LIES["a page"],
        to("http://10.0.0.1/"),
    ]
    names = [f"{host}/{n}.jpg" for n in range(30) for host in (*HOSTS, HOST)]

    def answer(handler, n):
        host = handler.headers["Host"]
        (truth if host == HOST else ways[HOSTS.index(host)])(handler, n)

    server.usual = answer
    rows = ask(server, [f"http://{name}" for name in names], tmp_path)
    good = rows["url"].str.contains(HOST)
    assert (rows.loc[good, "state"] == "ok").all() and (rows.loc[~good, "state"] == "dead").all()
    assert sum(server.asked.values()) <= len(names) + 15, "a witness now and then"


def test_links_that_are_gone_are_believed_although_no_photo_comes(server, tmp_path):
    """404 and 410 speak of a link. A page does not, but a link that gave a photo before still does: so it is the host."""
    server.usual = page("gone", 410)
    assert (ask(server, urls_at(HOSTS, 60), tmp_path / "statuses")["state"] == "dead").all()
    server.usual = page("<html>never heard of it</html>", 404)
    assert (ask(server, urls_at([HOST], 60), tmp_path / "one host")["state"] == "dead").all()
    server.usual = truth
    ask(server, [f"http://{HOST}/good{n}.jpg" for n in range(8)], tmp_path)
    server.usual = lambda handler, n: (truth if "good" in handler.path else LIES["a page"])(handler, n)
    before = sum(server.asked.values())
    assert (ask(server, urls_at(HOSTS, 120), tmp_path)["state"] == "dead").all()
    assert 120 < sum(server.asked.values()) - before < 130
    server.usual = LIES["a page"]  # and when it does not any more, it is the network
    with pytest.raises(ConnectionError):
        ask(server, [f"http://{HOSTS[0]}/new{n}.jpg" for n in range(40)], tmp_path)


def test_dead_links_are_asked_again_when_told(server, tmp_path):
    server.answers = {"/0.jpg": page("", 404), "/1.jpg": page("<html>")}
    assert ask(server, urls_at([HOST], 6), tmp_path)["state"].tolist() == ["dead"] * 2 + ["ok"] * 4
    server.answers.clear()
    assert ask(server, urls_at([HOST], 6), tmp_path)["state"].tolist() == ["dead"] * 2 + ["ok"] * 4
    with Ledger(tmp_path / LEDGER) as ledger:
        ledger.ask_again()
    assert (ask(server, urls_at([HOST], 6), tmp_path)["state"] == "ok").all()
    assert set(server.asked.values()) == {1, 2} and server.asked["/2.jpg"] == 1


def test_a_name_that_stands_for_a_private_address_here_may_not_elsewhere(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("192.168.1.1", 80))])
    marks = []
    for link in ("http://hijacked.test/", "http://192.168.1.1/", "http://localhost./", "http://a.localhost/"):
        with pytest.raises(links.Refused, match="not public") as caught:
            links.address_of(links.check_link(link), {})
        marks.append(caught.value.mark)
    assert marks == ["192.168.1.1", "", "", ""], "what the link itself says is no lie of the network's"


def test_certificates_of_another_name_are_no_chance_and_timeouts_may_be():
    for reason, most in (("connection failed: SSLError", 20), ("timeout", 100)):
        weigh = Doubt(lambda marks: False).weigh
        silence = [Entry(f"https://a.test/{n}", "later", 0, reason, tries=4) for n in range(most)]
        assert all(weigh(entry) == [entry] for entry in silence[:-1])
        with pytest.raises(Lie, match=reason):
            weigh(silence[-1])


def test_photos_that_were_under_way_do_not_vouch_for_what_came_before(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(doubt.time, "monotonic", lambda: now[0])
    weigh = Doubt(lambda marks: False).weigh
    lie = Entry("http://a.test/1", "dead", 200, "not a picture", tries=1, sha256="page")
    now[0] = 10
    assert [entry.state for entry in weigh(lie)] == ["later"]
    now[0] = 11
    assert len(weigh(Entry("http://a.test/2", "ok", 200, seconds=5, tries=1, sha256="slow"))) == 1
    assert len(weigh(Entry("http://a.test/3", "ok", 200, tries=0, sha256="on disk"))) == 1
    now[0] = 12
    assert lie in weigh(Entry("http://a.test/4", "ok", 200, seconds=1, tries=1, sha256="new"))
