"""SOFTNet (Liong, See, Wong, ICIP 2021): a shallow three-stream network scores each frame's motion, one model per type.

`config` holds the settings, `method` scores and decodes; with PyTorch (extra ``[train]``), `network` is the network,
`backbones` are those that the paper compares it with, `fitting` trains them, `grad_cam` shows where they look, and
`keras_import` and `release` read the authors' released weights.
"""
