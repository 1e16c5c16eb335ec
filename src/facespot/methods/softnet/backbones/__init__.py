"""The backbones that SOFTNet is compared with (Table 3), one file per network, and all five networks by name (`build`).

::

    maps (n, 42, 42, 3)
      |
    convolutions of the backbone, without its classifier
      |         VGG-16 (n, 512, 1, 1)        ResNet-18   (n, 512, 2, 2)
      |         ResNet-50 (n, 2048, 2, 2)    MobileNetV2 (n, 1280, 2, 2)
    flatten
      |
    score (n, 1), linear

The parameter counts that the paper prints are those of Keras Applications on a 42x42x3 input without the classifier,
with one linear node on the flattened maps; Keras counts the running means and variances of batch normalisation among
them. So the networks here follow Keras where it leaves the networks' own papers: biases in the convolutions of the
ResNets, their stride in the first convolution of a stage, padding, the epsilon of batch normalisation.

=============  ===============  ===============
network        parameters here  Table 3
=============  ===============  ===============
SOFTNet                314,817   0.3148 million
MobileNetV2          2,263,105   2.2631 million
ResNet-18           11,192,961  11.2877 million
ResNet-50           23,595,905  23.5960 million
VGG-16              14,715,201  14.7152 million
=============  ===============  ===============

Keras has no ResNet-18, and the paper does not say whose it used. Here it is the network of basic blocks of the ResNets'
paper, with the conventions of the ResNet-50.

Nor does the paper say with which weights training began. Here it begins at random: He-normal kernels (fan-in), which
keep the signal's strength through VGG-16's thirteen layers without normalisation; Glorot-uniform weights of the score;
zero biases. See `resnet` for how its blocks begin, and `backbone` for the running statistics of batch normalisation.

Batch normalisation needs more than one value per channel while it trains. The last maps of the ResNets and of
MobileNetV2 hold 2x2, so even a batch of one sample has four.

The modules of this folder need PyTorch: import them only where training or exporting is asked for.
"""
