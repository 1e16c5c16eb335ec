"""What several rooms' tests share: third-party reference data, networks with random weights."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test asserts a time: a busy machine must not fail an example that is merely slow.
settings.register_profile("facespot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("facespot")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def reference_file():
    """Path of a file of reference data by its name; the test skips where the data is absent."""
    folder = Path(os.environ.get("FACESPOT_REFERENCE", ROOT.parent / "shared" / "reference"))

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"no reference data: {path} (set FACESPOT_REFERENCE)")
        return path

    return find


@pytest.fixture(scope="session")
def random_checkpoints(tmp_path_factory):
    """Checkpoints of SOFTNet with random weights, one per type."""
    torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    from facespot.methods.softnet.network import MAP_SHAPE, SOFTNet
    from facespot.models import write_checkpoint
    from facespot.training.onnx_export import to_onnx
    from facespot.values import KINDS

    folder = tmp_path_factory.mktemp("checkpoints")
    for seed, kind in enumerate(KINDS):
        network = SOFTNet(torch.Generator().manual_seed(seed))
        weights = {name: value.numpy() for name, value in network.state_dict().items()}
        write_checkpoint(folder / kind, method="softnet", kind=kind, config={}, fitted={}, origin={},
                         onnx_bytes=to_onnx(network, MAP_SHAPE), weights=weights)  # fmt: skip
    return [folder / kind for kind in KINDS]


@pytest.fixture(scope="session")
def random_mean_checkpoint(tmp_path_factory):
    """A checkpoint of MEAN with random weights: both heads, three emotions."""
    torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    from facespot.methods.mean.network import MAP_SHAPE, MEAN
    from facespot.models import write_checkpoint
    from facespot.training.onnx_export import to_onnx

    network = MEAN(3, generator=torch.Generator().manual_seed(3))
    fitted = {"distance_s": 0.1, "classes": ["negative", "positive", "surprise"]}
    folder = tmp_path_factory.mktemp("mean") / "weights"
    write_checkpoint(folder, method="mean", kind="micro", config={"reading": "code", "roi_layout": "joined"},
                     fitted=fitted, origin={}, onnx_bytes=to_onnx(network, MAP_SHAPE, output_names=("outputs",)),
                     weights=network.weights())  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def random_spotgcn_checkpoint(tmp_path_factory):
    """A checkpoint of SpoT-GCN with random weights: short windows, fast features, lengths of its own."""
    torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    from facespot.methods.spotgcn.network import build_network
    from facespot.models import write_checkpoint
    from facespot.training.onnx_export import to_onnx
    from facespot.values import KINDS

    network = build_network("spotgcn", 5, "code", torch.Generator().manual_seed(7))
    lengths = {"macro_mean_s": 1.2, "micro_mean_s": 0.4, "macro_least_s": 0.4, "micro_least_s": 0.2}
    folder = tmp_path_factory.mktemp("spotgcn") / "weights"
    write_checkpoint(folder, method="spotgcn", kind=None,
                     config={"window": 5, "motion": "windows", "flow": "dis", "landmarks_every": 30},
                     fitted={"kinds": list(KINDS), **lengths}, origin={},
                     onnx_bytes=to_onnx(network, (5, 10, 2), input_name="windows", output_names=("logits",)),
                     weights={name: value.numpy() for name, value in network.state_dict().items()})  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def random_fesnet_checkpoint(tmp_path_factory):
    """A checkpoint of FESNet with random weights: narrow, short clips, landmarks in every 30th frame."""
    torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    from facespot.methods.fesnet.config import FesnetConfig
    from facespot.methods.fesnet.network import build_network
    from facespot.models import write_checkpoint
    from facespot.training.onnx_export import to_onnx
    from facespot.values import KINDS

    settings = {"clip_frames": 16, "clip_stride": 8, "first_channels": 3, "middle_channels": 4, "channels": 8,
                "heads": 2, "depth": 1, "embedding": 8, "temporal_channels": 6, "refinement_channels": 6,
                "landmarks_every": 30}  # fmt: skip
    network = build_network(FesnetConfig(**settings), torch.Generator().manual_seed(7))
    clips = torch.from_numpy(demo_faces(128)).float().unflatten(0, (8, 16))
    with torch.no_grad():
        # Norms that know what they get, then logits of which each is the highest now and then.
        network(clips)
        network.eval()
        for layer, stage in ((network.lsdm.proposals, slice(3, 6)), (network.mtam.blocks[-1].proposals[-1], slice(3))):
            logits = network(clips)[..., stage].flatten(0, 1)
            gain = 1 / logits.std(dim=0)
            layer.weight *= gain.view(-1, *[1] * (layer.weight.ndim - 1))
            layer.bias.copy_((layer.bias - logits.mean(dim=0)) * gain)
    folder = tmp_path_factory.mktemp("fesnet") / "weights"
    write_checkpoint(folder, method="fesnet", kind=None, config=settings, fitted={"kinds": list(KINDS)}, origin={},
                     onnx_bytes=to_onnx(network, (16, 112, 112, 3), input_name="clips", output_names=("logits",)),
                     weights={name: value.numpy() for name, value in network.state_dict().items()})  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def random_regiontcn_checkpoint(tmp_path_factory):
    """A checkpoint of regiontcn with random weights: narrow, landmarks in every 30th frame, three emotions."""
    torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    from facespot.methods.regiontcn.calibration import Calibration, operating_points, to_json
    from facespot.methods.regiontcn.network import RegionTCN
    from facespot.methods.regiontcn.outputs import SLICES
    from facespot.methods.regiontcn.windows import WINDOW_SHAPE
    from facespot.models import write_checkpoint
    from facespot.training.onnx_export import to_onnx
    from facespot.values import KINDS

    network = RegionTCN(8, 0.0, [1.0] * (WINDOW_SHAPE[1] - 1), torch.Generator().manual_seed(7))
    with torch.no_grad():
        # Decided answers, and intervals of about a second.
        network.heads.weight *= 10
        network.heads.bias[SLICES["distance"]] = 2.0
    points = operating_points([0.9, 0.7, 0.3, 0.2], [True, True, False, True], n_true=4, minutes=1.0)
    folder = tmp_path_factory.mktemp("regiontcn") / "weights"
    fitted = {"kinds": list(KINDS), "classes": ["happiness", "surprise", "others"], "action_units": [1, 4, 12]}
    fitted |= to_json(dict.fromkeys(KINDS, Calibration(1.2, 0.3)), dict.fromkeys(KINDS, points))
    write_checkpoint(folder, method="regiontcn", kind=None, config={"channels": 8, "landmarks_every": 30},
                     fitted=fitted, origin={},
                     onnx_bytes=to_onnx(network, WINDOW_SHAPE, input_name="rows", output_names=("outputs",)),
                     weights={name: value.numpy() for name, value in network.state_dict().items()})  # fmt: skip
    return folder


def demo_faces(n_frames):
    """The face in the first frames of the demo video, cut out roughly: (n, 112, 112, 3) bytes."""
    import av
    import numpy as np

    with av.open(str(ROOT / "examples" / "demo.mp4")) as source:
        frames = [frame.reformat(width=320, height=240).to_ndarray(format="rgb24")[64:176, 104:216]
                  for _, frame in zip(range(n_frames), source.decode(video=0), strict=False)]  # fmt: skip
    return np.stack(frames)


# Three stretches of the demo video, as if they were of three people: frames, and the true expressions in them.
STRETCHES = {
    "ann": (70, 219, ((78, 98, 138, "macro"), (204, 207, 213, "micro"))),
    "ben": (290, 429, ((297, 311, 336, "macro"), (405, 408, 414, "micro"))),
    "cid": (475, 600, ((480, 496, 528, "macro"), (582, 585, 591, "micro"))),
}


def cut_demo(first, last, path, *, crf=20):
    """Frames of the demo video as a small video file of their own."""
    import av

    with av.open(str(ROOT / "examples" / "demo.mp4")) as source, av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=30, options={"preset": "ultrafast", "crf": str(crf), "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            if number > last:
                break
            if number >= first:
                small = frame.reformat(width=320, height=240, format="yuv420p", threads=1)
                small.pts, small.time_base = number - first, Fraction(1, 30)
                target.mux(stream.encode(small))
        target.mux(stream.encode())


def write_annotation(folder, stretches):
    """The table of `own_data` for stretches of the demo video."""
    lines = ["subject,video,onset,apex,offset,type"]
    for subject, (first, _, expressions) in stretches.items():
        for onset, apex, offset, kind in expressions:
            frames = ",".join(str(frame - first + 1) for frame in (onset, apex, offset))
            lines.append(f"{subject},{subject}.mp4,{frames},{kind}")
    (folder / "annotation.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory):
    """Own data of three subjects with one video of 4 to 5 s each: a macro- and a micro-expression in every one."""
    root = tmp_path_factory.mktemp("corpus")
    for subject, (first, last, _) in STRETCHES.items():
        cut_demo(first, last, root / f"{subject}.mp4")
    write_annotation(root, STRETCHES)
    return root


@pytest.fixture(scope="session")
def small_cache(tmp_path_factory):
    """One cache for all runs on the small corpus."""
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="session")
def small_run(small_corpus, small_cache, tmp_path_factory):
    """SOFTNet on the small corpus, leave-one-subject-out, undisturbed, by the command line with one process."""
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    out = tmp_path_factory.mktemp("runs") / "softnet"
    arguments = ["run", "own_data", str(small_corpus), "--method", "softnet", "--set", "epochs=1", "--set",
                 "samples_per_epoch=60", "--out", str(out), "--cache", str(small_cache), "--workers", "1"]  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "facespot", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (out.parent / "stdout.txt").write_text(done.stdout)
    return out


@pytest.fixture(scope="session")
def altered_corpus(small_corpus, tmp_path_factory):
    """The small corpus with other pixels and another truth for the first subject."""
    root = tmp_path_factory.mktemp("altered")
    for subject in STRETCHES:
        (root / f"{subject}.mp4").symlink_to(small_corpus / f"{subject}.mp4")
    (root / "ann.mp4").unlink()
    cut_demo(70, 219, root / "ann.mp4", crf=40)
    first, last, _ = STRETCHES["ann"]
    changed = ((80, 98, 138, "macro"), (150, 160, 213, "micro"))
    write_annotation(root, {**STRETCHES, "ann": (first, last, changed)})
    return root


def files_of(folder):
    """Content of every file of a run folder but times and progress."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "timing.json" and ".progress" not in path.parts
    }


@pytest.fixture(scope="session")
def run_files():
    """Reads every file of a run folder but times and progress."""
    return files_of
