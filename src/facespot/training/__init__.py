"""Rows of features with their targets in, a trained network out; knows no method and no corpus.

`pseudo_labels` turns true intervals into a target per row (SOFTNet section 2.3, which MEAN shares), `sampling` chooses
rows, `augmentation` alters them, `samples` gathers batches from memory-mapped features, so that a corpus larger than
memory trains, `loop` runs the epochs with checkpoints and resume, `onnx_export` writes what scoring runs.

The loop is plain PyTorch: the networks are small, train on one thread of one processor, and must come out bitwise
equal after a kill at any step. That is forty lines here; a training framework would add a dependency, hide the order of
random draws that this rests on, and bring distribution over devices that nobody needs here.

`loop`, `state` and `onnx_export` need PyTorch (the extra [train]) and are imported only where training is asked for.
"""
