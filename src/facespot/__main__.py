"""``python -m facespot`` is the command ``facespot``."""

from facespot.cli.main import run

run()
