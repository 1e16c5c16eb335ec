"""MEAN (Liong, See, Chan, 2022): spot micro-expressions, then name their emotion, with one shared feature step.

`network` is the network in PyTorch (extra ``[train]``), `keras_import` reads the authors' released weights, `apex`
finds the apex where annotations lack it.
"""
