"""Files of a corpus: the same bytes from the same frames, whole or not there."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facespot.errors import MissingDependencyError
from facespot.synth import writing
from facespot.synth.plans import plan_videos
from facespot.synth.presets import PRESETS
from facespot.video import open_video

PLAN = plan_videos(PRESETS["tiny"], 1)[0]
ENCODE = """
import sys
from pathlib import Path
import numpy as np
from facespot.synth.plans import plan_videos
from facespot.synth.presets import PRESETS
from facespot.synth.writing import EncodedVideo
rng = np.random.default_rng(1)
y, x = np.mgrid[0:320, 0:320]
with EncodedVideo(Path(sys.argv[1]), plan_videos(PRESETS["bench-v1"], 1)[0]) as video:
    for k in range(150):
        head = np.hypot(x - 160 - 3 * np.sin(k / 20), (y - 150) / 1.3) < 80
        shown = 90 + x / 8 + 60 * head + 20 * head * np.sin(x / 3 + np.sin(k / 15)) * np.sin(y / 4)
        shown = shown[..., None] * (1.0, 0.9, 0.8) + rng.normal(0.0, 1.3, (320, 320, 1))
        video.write(np.clip(shown, 0, 255).astype(np.uint8))
"""


def test_what_lies_in_memory_does_not_change_the_video(tmp_path):
    contents = set()
    for garbage in ("0", "77", "200"):
        path = tmp_path / f"{garbage}.mp4"
        environment = os.environ | {"MALLOC_PERTURB_": garbage, "MALLOC_MMAP_THRESHOLD_": "100000000"}
        subprocess.run([sys.executable, "-c", ENCODE, str(path)], check=True, env=environment)
        contents.add(path.read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize("make", [lambda path: writing.EncodedVideo(path, PLAN), writing.FrameFolder])
def test_a_broken_block_leaves_nothing(make, tmp_path):
    with pytest.raises(RuntimeError, match="stop"), make(tmp_path / "video.mp4") as writer:
        writer.write(np.zeros((256, 256, 3), np.uint8))
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []


def test_the_frame_rate_of_television_is_exact(tmp_path):
    plan = replace(PLAN, fps=30000 / 1001)
    with writing.EncodedVideo(tmp_path / "video.mp4", plan) as writer:
        for _ in range(30):
            writer.write(np.zeros((256, 256, 3), np.uint8))
    assert open_video(tmp_path / "video.mp4").timebase.fps == pytest.approx(30000 / 1001, rel=1e-6)


def test_leftovers_are_removed_and_nothing_else(tmp_path):
    (tmp_path / "videos" / ".s01_v1.unfinished").mkdir(parents=True)
    (tmp_path / "videos" / ".s01_v1.unfinished" / "000001.png").write_text("")
    (tmp_path / "videos" / ".s02_v1.mp4.unfinished").write_text("")
    (tmp_path / "videos" / "s03_v1.mp4").write_text("")
    writing.remove_unfinished(tmp_path)
    assert [path.name for path in (tmp_path / "videos").iterdir()] == ["s03_v1.mp4"]


def test_without_pyarrow_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingDependencyError, match=r"pip install \"facespot\[synth\]\""):
        writing.require_pyarrow()


def test_a_file_and_its_digest(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert writing.checksums(tmp_path) == f"{writing.digest(Path(tmp_path / 'a'))}  a\n"
    assert writing.digest(tmp_path / "a").startswith("ba7816bf")
