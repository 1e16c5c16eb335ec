"""SOFTNet (Liong, See, Wong, ICIP 2021): a shallow three-stream network scores each frame's motion, one model per type.

`method` scores and decodes, `network` is the network in PyTorch (extra ``[train]``), `keras_import` reads the authors'
released weights.
"""
