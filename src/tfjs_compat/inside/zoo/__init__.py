"""The examples ``zoo:NAME``: small Keras models of the kinds that people convert.

Every public function builds one, with random weights in every place, equal for every version of Keras that builds
the same layers. ``TF_USE_LEGACY_KERAS`` decides which Keras is meant. The host reads names and first lines of
docstrings without importing, from every module here whose name has no leading underscore. Needs Python >= 3.8,
TensorFlow >= 2.6 and nothing else.

All integer inputs are indices below 20. A fixed batch size is 3.
"""

# ruff: noqa: F401
from .custom import custom_layer, lambda_layer, subclassed
from .dense import (
    activations,
    autoencoder,
    compiled,
    layer_normalization,
    linear,
    mlp,
    modern_activations,
    noise,
    regularised,
)
from .graphs import difference, merging, multi_input, multi_output, nested, operators, reshaping, shared_layers
from .images import (
    augmentation,
    cnn,
    cnn_batchnorm,
    conv3d,
    depthwise_conv,
    dilated_conv,
    dynamic_image,
    mobilenet,
    padding,
    pooling,
    residual,
    resizing,
    separable_conv,
    transposed_conv,
    unet,
)
from .sequences import (
    bidirectional,
    causal_conv,
    conv1d,
    conv_lstm,
    dynamic_sequence,
    gru,
    gru_reset_before,
    lstm,
    masking,
    repeat_vector,
    rnn_cells,
    seed,
    seq2seq,
    simple_rnn,
    stateful_rnn,
    time_distributed,
)
from .tables import category_encoding, preprocessing, recommender
from .text import attention, dot_attention, embedding, text_cnn, text_lstm, transformer
