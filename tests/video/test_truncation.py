import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.video.truncation import Structure, read_structure


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.webm", "libvpx")]
)
def test_every_cut_is_counted(name, codec, tmp_path, encode):
    path = encode(tmp_path / name, codec, container_options={"movflags": "faststart"} if name == "a.mp4" else {})
    content = path.read_bytes()
    assert read_structure(path) == Structure(0, False)
    for lost in (3, 50, len(content) // 2):
        path.write_bytes(content[:-lost])
        structure = read_structure(path)
        # The last part may itself be cut within its header.
        assert abs(structure.missing_bytes - lost) <= 1
    assert not structure.lacks_index


def test_index_behind_the_frames_is_missed(tmp_path, encode):
    path = encode(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:600])
    assert read_structure(path).lacks_index


@given(st.binary(max_size=200), st.sampled_from([b"", b"\0\0\0\x18ftyp", b"\x1a\x45\xdf\xa3", b"RIFF\0\1\0\0AVI "]))
def test_any_content_is_walked_without_failing(tmp_path_factory, content, start):
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(start + content)
    assert read_structure(path).missing_bytes >= 0
