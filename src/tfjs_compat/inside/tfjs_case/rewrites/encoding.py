"""One-hot rows of the elements of a sample, brought into the form in which Keras gives them."""

import numpy as np

from .rewrite import Refused


def joined(kit, layer, hot, sizes, depth, mode):
    """``hot`` has one row of ``depth`` for each element; ``sizes`` is the shape of a sample before.

    ``one_hot`` keeps the rows, but for a last axis of one element; ``multi_hot`` and ``count`` join those of the last
    axis (Keras: layers/preprocessing/…, output_mode).
    """
    if sizes and sizes[-1] == 1:
        outer = [-1 if size is None else size for size in sizes[:-1]]
        return kit.layer("Reshape", layer, "", target_shape=(*outer, depth))(hot)
    if mode == "one_hot" or not sizes:
        return kit.layer("Activation", layer, "", activation="linear")(hot)
    if len(sizes) != 1:
        raise Refused("it joins the elements of more than one axis")
    if mode == "multi_hot":
        return kit.layer("GlobalMaxPooling1D", layer, "")(hot)
    if sizes[0] is None:
        raise Refused("it counts the elements of a sample of open size")
    turned = kit.layer("Permute", layer, "turned", dims=(2, 1))(hot)
    ones = [np.ones((sizes[0], 1), "float32")]
    summed = kit.constant("Dense", layer, "sum", ones, units=1, use_bias=False)(turned)
    return kit.layer("Reshape", layer, "", target_shape=(depth,))(summed)
