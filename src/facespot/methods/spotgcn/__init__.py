"""SpoT-GCN (Deng, Hayashi and Nagahara, FG 2024): region flow in windows in, both types of expression out.

Windows of region flow (section III-A, `facespot.features.region_flow`) go through a multi-scale spatio-temporal graph
network (III-B, `network`), trained with focal and supervised contrastive losses (III-B, III-C, `losses`) on the labels
of `targets`, to probabilities per frame, from which `decoding` makes intervals (III-D).
"""
