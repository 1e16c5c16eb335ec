"""SOFTNet's baseline: the sum of the optical strain over the face spots expressions without any network or training."""
