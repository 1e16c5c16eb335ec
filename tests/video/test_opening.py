import subprocess
import sys

import pytest

from facespot.errors import VideoError
from facespot.video import open_video


def test_import_loads_no_reader():
    code = "import sys, facespot.video; print(sorted({'av', 'cv2', 'PIL', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_paths_that_no_system_accepts(tmp_path):
    for path in (tmp_path / ("a" * 300), f"{tmp_path}/missing.mp4", tmp_path / "no" / "folder" / "a.mp4"):
        with pytest.raises(VideoError) as raised:
            open_video(path)
        assert "\n" not in str(raised.value)
