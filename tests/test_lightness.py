"""What must not be loaded: the package and its help start without any heavy library."""

import subprocess
import sys

import pytest

HEAVY = ("cv2", "torch", "mediapipe", "dlib", "av", "numba", "onnxruntime", "matplotlib", "scipy")


@pytest.mark.parametrize(
    "code",
    [
        "import facespot",
        "import facespot.cli.main",
        "import facespot.video, facespot.faces, facespot.features, facespot.methods, facespot.models",
        "import facespot.pipeline",
        *(
            f"import sys; sys.argv = {['facespot', *command, '--help']}\n"
            "from facespot.cli.main import run\n"
            "try:\n    run()\nexcept SystemExit: pass"
            for command in ([], ["spot"], ["bench"])
        ),
    ],
)
def test_nothing_heavy_is_imported(code):
    check = f"\nimport sys\nprint('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"
