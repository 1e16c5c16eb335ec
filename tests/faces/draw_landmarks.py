"""Draw `docs/pictures/landmarks.png`: the points mapped from the face mesh on the face whose points are known.

python tests/faces/draw_landmarks.py
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image

mpl.use("agg")
import matplotlib.pyplot as plt

from facespot.faces import load_detector

HERE = Path(__file__).parent
PICTURE = HERE.parents[1] / "docs" / "pictures" / "landmarks.png"
NUMBER_BELOW = {*range(31, 36), 40, 41, 46, 47, *range(55, 60), *range(65, 68)}


def main() -> None:
    """Detect, draw, write."""
    image = np.array(Image.open(HERE / "known_face.png").convert("RGB"))
    exact = np.array(json.loads((HERE / "known_face.json").read_text())["landmarks"])
    face = load_detector().detect(image, 0)[0]
    figure, axes = plt.subplots(figsize=(8, 8), dpi=90)
    axes.imshow(image, interpolation="bicubic")
    corner = (face.box.left - 0.5, face.box.top - 0.5)
    axes.add_patch(
        plt.Rectangle(corner, face.box.width, face.box.height, fill=False, edgecolor="white", linestyle="--")
    )
    axes.plot(*exact.T, "o", markerfacecolor="none", markeredgecolor="white", label="exact point of the rendered face")
    axes.plot(*face.landmarks.T, ".", color="#00e5ff", label="point mapped from MediaPipe's mesh")
    for number, (x, y) in enumerate(face.landmarks):
        axes.text(x + 0.8, y + (4.2 if number in NUMBER_BELOW else -1.6), str(number), fontsize=7, color="#ffff66")
    axes.set(xlim=(55, 265), ylim=(250, 40))
    axes.axis("off")
    axes.legend(loc="upper right", fontsize=8)
    figure.subplots_adjust(0, 0, 1, 1)
    figure.savefig(PICTURE)


if __name__ == "__main__":
    main()
