"""Features in, scores and expressions out. One folder per published method, each of which reads like its paper.

`base` says what a method is, `registry` lists them, `settings` checks what the user sets, `peaks` is the decoding that
SOFTNet and MEAN share. Methods know nothing of one another, of corpora or of metrics.
"""

from facespot.methods.base import Method, Recognizer, TrainingVideo
from facespot.methods.registry import DEFAULT_METHOD, METHODS, load_method, load_recognizer, method_entry, new_method

__all__ = [
    "DEFAULT_METHOD",
    "METHODS",
    "Method",
    "Recognizer",
    "TrainingVideo",
    "load_method",
    "load_recognizer",
    "method_entry",
    "new_method",
]
