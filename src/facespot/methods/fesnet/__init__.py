"""FESNet (Zhang et al., Computing and Informatics 2025): neutral, macro or micro for each frame of an aligned face.

In: aligned face crops of a video. Out: the probability of each type in each frame, and runs of frames as expressions.
"""
