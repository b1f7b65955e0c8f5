"""The web page's server: what it answers, and to whom."""

import http.client
import io
import json
import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from PIL import Image

from imgsearch.errors import GalleryNotFoundError, ServerError
from imgsearch.web.server import Address, serving
from imgsearch.web.small_pictures import BytesCache


class Browser:
    """Sends requests to a server, one connection each."""

    def __init__(self, url):
        self.host = urlsplit(url).netloc

    def ask(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, timeout=20)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def get(self, target, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("GET", target, headers=named)

    def json(self, target):
        answer, body = self.get(target)
        assert answer.status == 200, body
        return json.loads(body)

    def refusal(self, method, target, body=None, headers=None):
        answer, content = self.ask(method, target, body, headers)
        return answer.status, json.loads(content)["error"]


@contextmanager
def browsing(lab, **address):
    with serving(lab.gallery, lab.make_embedder, Address(**address)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Browser(server.url)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def unchanged(make_lab):
    """Red, yellow and green, for tests that change nothing: to make them takes time."""
    lab = make_lab()
    for name, colour in (("a.png", "#f00"), ("b.png", "#ff0"), ("c.png", "#0f0")):
        lab.paint(name, colour)
    lab.update()
    return lab


@pytest.fixture(scope="module")
def browser(unchanged):
    with browsing(unchanged) as browser:
        yield browser


@pytest.fixture
def own_browser(three):
    with browsing(three) as browser:
        yield browser


def png(colour, size=(8, 8)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def names(document, key="hits"):
    return [photo["name"] for photo in document[key]]


# --- the page -------------------------------------------------------------------------------------


def test_the_page_its_style_and_its_script_come_as_what_they_are(browser):
    kinds = {
        target: browser.get(target)[0].headers["Content-Type"].partition(";")[0]
        for target in ("/", "/gallery.css", "/gallery.js", "/gallery.svg")
    }

    assert kinds == {
        "/": "text/html",
        "/gallery.css": "text/css",
        "/gallery.js": "text/javascript",
        "/gallery.svg": "image/svg+xml",
    }


def test_the_page_names_nothing_outside_the_server(browser):
    for target in ("/", "/gallery.css", "/gallery.js"):
        text = browser.get(target)[1].decode().replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text
        assert "https:" not in text


@pytest.mark.parametrize("target", ["/", "/api/photos", "/thumb/1", "/nothing"])
def test_every_answer_forbids_what_the_page_does_not_need(browser, target):
    answer, _ = browser.get(target)

    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_head_says_what_get_would_and_sends_nothing(browser):
    answer, body = browser.ask("HEAD", "/gallery.css")

    assert (answer.status, body) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(browser.get("/gallery.css")[1])


def test_what_a_browser_has_is_not_sent_again(browser):
    first, _ = browser.get("/thumb/1")

    again, body = browser.get("/thumb/1", If_None_Match=first.headers["ETag"])

    assert (again.status, body) == (304, b"")


# --- the gallery ----------------------------------------------------------------------------------


def test_photos_are_listed_by_path_page_by_page(browser):
    page = browser.json("/api/photos?start=1&count=1")

    assert (page["total"], names(page, "photos")) == (3, ["b.png"])


def test_a_text_chooses_among_paths_without_regard_to_case(three, own_browser):
    three.paint("Beach/d.png", "#00f")
    three.update()

    page = own_browser.json("/api/photos?text=beach")

    assert [(photo["name"], photo["place"]) for photo in page["photos"]] == [
        ("d.png", "photos/Beach")
    ]


def test_a_photo_is_described(unchanged, browser):
    (photo,) = browser.json("/api/photos?count=1")["photos"]

    assert photo == {
        "id": unchanged.ids()["a.png"],
        "name": "a.png",
        "folder": str(unchanged.root),
        "place": "photos",
        "width": 8,
        "height": 8,
        "format": "PNG",
        "size": (unchanged.root / "a.png").stat().st_size,
        "taken": None,
        "camera": None,
    }


def test_a_name_that_is_no_utf_8_is_shown_as_well_as_can_be(lab):
    lab.paint(os.fsdecode(b"caf\xe9.png"), "#f00")
    lab.update()
    with browsing(lab) as browser:
        (photo,) = browser.json("/api/photos")["photos"]
        assert photo["name"] == "caf\ufffd.png"
        assert browser.get(f"/thumb/{photo['id']}")[0].status == 200


def test_what_is_indexed_meanwhile_is_listed_and_found(three, own_browser):
    assert names(own_browser.json("/api/similar?id=1")) == ["b.png", "c.png"]
    three.paint("another-red.png", "#e00")
    three.update()

    assert own_browser.json("/api/photos")["total"] == 4
    assert names(own_browser.json("/api/similar?id=1&k=1")) == ["another-red.png"]


def test_a_catalogue_that_is_put_in_the_place_of_another_is_opened_anew(three, own_browser):
    assert own_browser.json("/api/photos")["total"] == 3
    copy = three.gallery / "catalog.sqlite.new"
    source, target = sqlite3.connect(three.gallery / "catalog.sqlite"), sqlite3.connect(copy)
    source.backup(target)
    target.execute("DELETE FROM images WHERE path = ?", (b"c.png",))
    target.commit()
    source.close()
    target.close()
    copy.replace(three.gallery / "catalog.sqlite")

    assert own_browser.json("/api/photos")["total"] == 2


@pytest.mark.parametrize(
    "target",
    [
        "/api/photos?start=-1",
        "/api/photos?count=100000",
        "/api/photos?count=many",
        "/api/similar",
        "/api/similar?id=1&k=0",
        "/api/similar?id=1&crop=1,2,3",
        "/api/similar?id=1&crop=0,0,0,0",
        "/api/similar?id=1&group=yes",
        "/thumb/99999999999999999999",
        "/api/photos?" + "&".join(f"x{n}=1" for n in range(100)),
    ],
)
def test_a_number_out_of_range_is_refused(browser, target):
    assert browser.refusal("GET", target)[0] == 400


@pytest.mark.parametrize("crop", ["1", "1,2,3,4,5", "a,b,c,d"])
def test_a_crop_that_is_none_is_refused_in_words_for_people(browser, crop):
    status, reason = browser.refusal("GET", f"/api/similar?id=1&crop={crop}")

    assert status == 400
    assert reason == f"crop: '{crop}' is not four numbers with commas between: x,y,w,h"


def test_a_damaged_gallery_is_said_to_be_damaged(three):
    with browsing(three) as browser:
        connection = sqlite3.connect(three.gallery / "catalog.sqlite")
        connection.execute("UPDATE images SET width = 9 WHERE path = ?", (b"a.png",))
        connection.commit()
        connection.close()

        status, reason = browser.refusal("GET", "/api/photos")

    assert status == 503
    assert "check --repair" in reason


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "small"), [((900, 300), (320, 107)), ((40, 30), (40, 30))])
def test_a_thumbnail_is_a_small_jpeg_of_the_whole_photo(lab, size, small):
    file = lab.root / "wide.png"
    Image.new("RGB", size, "#f00").save(file)
    lab.update()
    with browsing(lab) as browser:
        answer, body = browser.get("/thumb/1")

    picture = Image.open(io.BytesIO(body))
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert (picture.format, picture.size) == ("JPEG", small)
    assert max(abs(a - b) for a, b in zip(picture.getpixel((5, 5)), (255, 0, 0), strict=True)) < 4


def test_a_photo_comes_as_the_file_that_it_is(unchanged, browser):
    answer, body = browser.get("/photo/1")

    assert answer.headers["Content-Type"] == "image/png"
    assert body == (unchanged.root / "a.png").read_bytes()


def test_a_photo_that_browsers_do_not_show_comes_as_a_jpeg(lab):
    Image.new("RGB", (40, 30), "#f00").save(lab.root / "a.tif")
    lab.update()
    with browsing(lab) as browser:
        answer, body = browser.get("/photo/1")

    assert answer.headers["Content-Type"] == "image/jpeg"
    assert Image.open(io.BytesIO(body)).size == (40, 30)


def test_a_changed_file_has_a_new_thumbnail(three, own_browser):
    before = own_browser.get("/thumb/1")[1]
    three.paint("a.png", "#00f")

    assert own_browser.get("/thumb/1")[1] != before


@pytest.mark.parametrize("target", ["/thumb/1", "/photo/1", "/api/similar?id=1"])
def test_a_photo_that_is_gone_has_a_reason_in_its_place(three, own_browser, target):
    (three.root / "a.png").unlink()

    status, reason = own_browser.refusal("GET", target)

    assert status == 410
    assert "no such file" in reason


@pytest.mark.parametrize("target", ["/thumb/1", "/photo/1", "/api/similar?id=1"])
def test_a_file_that_is_no_picture_any_more_is_not_sent(three, own_browser, target):
    (three.root / "a.png").write_text("<script>alert(1)</script>")

    status, reason = own_browser.refusal("GET", target)

    assert status == 410
    assert "not a picture" in reason


@pytest.mark.parametrize(
    "target",
    [
        "/photo/999",
        "/thumb/999",
        "/photo/../../../../etc/passwd",
        "/photo/%2e%2e%2fcatalog.sqlite",
        "/photo//etc/passwd",
        "/static/../server.py",
        "/server.py",
        "/gallery.css/../server.py",
        "/.imgsearch/catalog.sqlite",
        "/a.png",
    ],
)
def test_nothing_is_sent_but_photos_of_the_gallery(browser, target):
    assert browser.refusal("GET", target)[0] in (400, 404)


def test_thumbnails_may_be_asked_for_all_at_once(unchanged, browser):
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(browser.get, [f"/thumb/{1 + n % 3}" for n in range(36)]))

    assert {answer.status for answer, _ in answers} == {200}
    assert len({body for _, body in answers}) == 3


def test_the_cache_forgets_what_was_used_longest_ago():
    cache, made = BytesCache(max_bytes=25), []

    def get(key):
        return cache.get(key, lambda: made.append(key) or key.encode() * 10)

    for key in "abacab":
        get(key)

    # c drives out b, which was used before a; b then drives out c.
    assert made == ["a", "b", "c", "b"]
    assert cache.held_bytes == 20


def test_the_cache_hands_on_what_is_too_large_for_it():
    cache = BytesCache(max_bytes=5)

    assert cache.get("x", lambda: b"123456") == b"123456"
    assert cache.held_bytes == 0


# --- searching ------------------------------------------------------------------------------------


def test_hits_of_a_photo_come_best_first_without_itself(browser):
    answer = browser.json("/api/similar?id=1")

    assert answer["photo"]["name"] == "a.png"
    assert [(hit["rank"], hit["name"], round(hit["score"], 3)) for hit in answer["hits"]] == [
        (1, "b.png", 0.707),
        (2, "c.png", 0.0),
    ]


def test_hits_of_a_picture_that_is_sent_come_best_first(unchanged, browser):
    answer, body = browser.ask("POST", "/api/search?k=2", png("#fe0"))

    assert answer.status == 200
    assert names(json.loads(body)) == ["b.png", "a.png"]


def test_a_part_of_a_picture_can_be_searched_for(browser):
    two = Image.new("RGB", (32, 16), "#0f0")
    two.paste("#f00", (0, 0, 16, 16))
    file = io.BytesIO()
    two.save(file, "PNG")

    left = browser.ask("POST", "/api/search?k=1&crop=0,0,0.5,1", file.getvalue())[1]
    right = browser.ask("POST", "/api/search?k=1&crop=0.5,0,0.5,1", file.getvalue())[1]

    assert (names(json.loads(left)), names(json.loads(right))) == (["a.png"], ["c.png"])


def test_one_hit_can_stand_for_copies(three, own_browser):
    three.write("b again.png", (three.root / "b.png").read_bytes())
    three.update()

    hits = own_browser.json("/api/similar?id=1&group=1")["hits"]

    assert [(hit["name"], [copy["name"] for copy in hit["copies"]]) for hit in hits] == [
        ("b.png", ["b again.png"]),
        ("c.png", []),
    ]


def test_the_network_is_loaded_once(three, own_browser):
    for colour in ("#fe0", "#0fe"):
        own_browser.ask("POST", "/api/search", png(colour))

    assert three.made == 1 + 1  # by the first update, and by the server


def test_a_sent_file_that_is_no_picture_is_refused_with_a_reason(browser):
    assert browser.refusal("POST", "/api/search", b"plain text") == (
        422,
        "cannot read this picture: it is not a picture",
    )


def test_a_picture_has_to_say_how_long_it_is(browser):
    headers = {"Transfer-Encoding": "chunked"}

    assert browser.refusal("POST", "/api/search", headers=headers)[0] == 411


@pytest.mark.parametrize(("length", "status"), [("99999999999", 413), ("-5", 400), ("x", 400)])
def test_a_length_out_of_bounds_is_refused_before_anything_is_read(browser, length, status):
    assert browser.refusal("POST", "/api/search", headers={"Content-Length": length})[0] == status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(browser, method):
    assert browser.refusal(method, "/api/search")[0] == 501


def test_nothing_can_be_sent_elsewhere(browser):
    assert browser.refusal("POST", "/api/photos", b"x")[0] == 404


# --- who may ask ----------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "["])
def test_a_name_that_is_not_of_this_machine_is_refused(browser, host):
    assert browser.refusal("GET", "/", headers={"Host": host})[0] == 403


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:80", "192.168.1.9:8765"])
def test_addresses_and_localhost_are_answered_at_any_port(browser, host):
    assert browser.get("/api/photos", Host=host)[0].status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_pages_get_nothing_but_the_page_itself(browser, site):
    assert browser.get("/thumb/1", Sec_Fetch_Site=site)[0].status == 403
    assert browser.get("/api/photos", Sec_Fetch_Site=site)[0].status == 403
    assert browser.get("/", Sec_Fetch_Site=site)[0].status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_other_pages_cannot_send_a_picture(browser, origin):
    headers = {"Origin": origin}

    assert browser.refusal("POST", "/api/search", png("#f00"), headers)[0] == 403


def test_the_page_itself_can_send_a_picture(browser):
    headers = {"Origin": f"http://{browser.host}", "Sec-Fetch-Site": "same-origin"}

    assert browser.ask("POST", "/api/search", png("#f00"), headers)[0].status == 200


# --- where it listens -----------------------------------------------------------------------------


def test_a_port_in_use_is_said_to_be_in_use(unchanged, browser):
    port = int(browser.host.rpartition(":")[2])

    with (
        pytest.raises(ServerError, match=f"port {port}: something else is using it"),
        serving(unchanged.gallery, unchanged.make_embedder, Address(port=port)),
    ):
        pass


def test_an_address_of_another_machine_is_refused(three):
    with (
        pytest.raises(ServerError, match="no such address"),
        serving(three.gallery, three.make_embedder, Address("203.0.113.7")),
    ):
        pass


def test_only_an_address_of_this_machine_alone_is_private(three):
    for host, is_private in (("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)):
        with serving(three.gallery, three.make_embedder, Address(host)) as server:
            assert server.is_private is is_private
            assert urlsplit(server.url).hostname in ("127.0.0.1", "::1")


def test_a_gallery_that_is_not_there_is_an_error_at_the_start(lab):
    with (
        pytest.raises(GalleryNotFoundError),
        serving(lab.gallery, lab.make_embedder, Address()),
    ):
        pass
