"""`mculora serve` and uploads that want it to open something else: a file, an address, a name."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from media_clips import Picture, Sound, write_media
from running_service import Oracle, serving
from untrained_bundles import untrained_bundle

from mculora.inference.predictor import Predictor

SECRET = "root:x:0:0 this is nobody's to read"

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns={0}\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "a=control:{0}\r\nm=audio 4000 RTP/AVP 0\r\n"
)
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT3S">'
    "<Period>"
    '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL>'
    "<SegmentBase/></Representation></AdaptationSet></Period></MPD>"
)
ASX = '<asx version="3.0"><entry><ref href="{}"/></entry></asx>'
LISTS = {
    "a.m3u8": HLS,
    "a.ffconcat": "ffconcat version 1.0\nfile '{}'\n",
    "subfile.ffconcat": "ffconcat version 1.0\nfile 'subfile,,start,0,end,9,,:{}'\n",
    "a.sdp": SDP,
    "a.mpd": DASH,
    "a.asx": ASX,
    "a.pls": "[playlist]\nFile1={}\nNumberOfEntries=1\n",
    "a.rtsp": "RTSPtext\nrtsp{}\n",
    "a.smil": '<smil><body><video src="{}"/></body></smil>',
    "a.svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{}"/></svg>',
}


@pytest.fixture(scope="module")
def trap():
    """A web server of this machine that notes who asks."""
    asked = []

    class Noting(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Noting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.asked = asked
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve")
    with serving(Predictor(untrained_bundle()), folder) as running:
        yield running


@pytest.fixture(scope="module")
def places(trap, tmp_path_factory):
    """What an upload may name: a local file that decodes and one that does not, and an address."""
    folder = tmp_path_factory.mktemp("secret")
    (folder / "passwd").write_text(SECRET)
    clip = write_media(folder / "clip.ts", Picture(), Sound(), seconds=1.0)
    return {
        "file:///etc/passwd": "file:///etc/passwd",
        "a text": (folder / "passwd").as_uri(),
        "a clip": clip.as_uri(),
        "a clip by path": str(clip),
        "an address": f"http://127.0.0.1:{trap.server_port}/a.ts",
    }


@pytest.mark.parametrize("place", ["file:///etc/passwd", "a clip", "a clip by path", "an address"])
@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_other_files_is_no_clip(service, trap, places, name, place):
    content = LISTS[name].format(places[place]).encode()
    answer = service.ask(content, name=name)
    assert answer.status_code == 415, answer.text
    assert answer.json()["error"].startswith("clip: ")
    assert SECRET[:4] not in answer.text and str(service.folder) not in answer.text
    assert trap.asked == []


@pytest.mark.parametrize("place", ["a clip", "an address"])
@pytest.mark.parametrize("tail", ["ts", "mp4", "mkv"])
@pytest.mark.parametrize("name", ["a.m3u8", "a.ffconcat", "a.mpd"])
def test_a_list_with_a_clip_behind_it_opens_nothing_else(
    service, trap, places, tmp_path, name, tail, place
):
    clip = write_media(tmp_path / f"clip.{tail}", Picture(), Sound(), seconds=0.5).read_bytes()
    content = LISTS[name].format(places[place]).encode()
    for padding in (b"", b"\0" * 188, b"\n" * (188 - len(content) % 188)):
        answer = service.ask(content + padding + clip, name=name)
        if answer.status_code == 200:  # the clip behind was found, which lasts half a second
            assert answer.json()["absent"]["visual"].startswith("no face")
    assert trap.asked == []


NAMES = [
    "../../../../tmp/evil.mp4",
    "/etc/passwd",
    "..\\..\\evil.mp4",
    "a\0b.mp4",
    "%2e%2e%2fevil.mp4",
    "http://127.0.0.1:1/a.mp4",
    "|touch evil",
    "$(touch evil)",
    "x" * 3_000,
    "é💥.mp4",
    "CON",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_client_is_used(tmp_path, name):
    oracle = Oracle(untrained_bundle())
    clip = write_media(tmp_path / "a.wav", Sound("pcm_s16le"), seconds=0.2).read_bytes()
    with serving(oracle, tmp_path / "s") as service:
        before = set(tmp_path.rglob("*"))
        raw = f'clip"; filename="{name}"'.encode()
        form = (
            b'--b\r\nContent-Disposition: form-data; name="'
            + raw
            + b"\r\nContent-Type: video/mp4\r\n\r\n"
            + clip
            + b"\r\n--b--\r\n"
        )
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = service.client.post("/predict", content=form, headers=kind)
        assert answer.status_code in (200, 400), answer.text
        for path, content, _ in oracle.seen:
            assert (
                path.parent == service.folder and path.name.isascii() and path.name.isidentifier()
            )
            assert content == clip
        assert set(tmp_path.rglob("*")) == before
