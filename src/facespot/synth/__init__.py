"""A corpus that anyone can make: a face source and a seed go in, labelled videos come out.

In: the ICT face model, photographs or a neutral video. Out: videos, annotation, exact landmarks, action units, flow.
"""
