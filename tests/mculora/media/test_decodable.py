"""What this machine's FFmpeg can decode, by name."""

from mculora.media.container import decodable


def test_the_corpora_s_codecs_are_decodable_and_nonsense_is_not():
    known = ["h264", "hevc", "mpeg4", "vp9", "aac", "mp3", "opus"]
    assert decodable([*known, "nonsense"]) == known
