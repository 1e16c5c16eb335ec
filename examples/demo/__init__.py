"""Renderer of the demo video: the ICT face model and a script of expressions in, linear-light images out."""
