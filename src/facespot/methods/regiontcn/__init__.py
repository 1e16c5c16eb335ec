"""Our own method: region motion over many distances in time, a temporal network, onset and offset regressed in seconds.

In: rows of `facespot.features.region_motion`. Out: macro- and micro-expressions with apex, emotion, action units and a
calibrated probability.
"""
