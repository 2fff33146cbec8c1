"""Networks for images and volumes."""

from tensorflow import keras

from ._weights import random_weights

layers = keras.layers


@random_weights
def cnn():
    """A small image classifier of the kind MNIST tutorials build."""
    return keras.Sequential(
        [
            keras.Input(shape=(16, 16, 1)),
            layers.Conv2D(6, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(4, activation="softmax"),
        ]
    )


@random_weights
def cnn_batchnorm():
    """Convolutions without bias, each followed by batch normalization."""
    return keras.Sequential(
        [
            keras.Input(shape=(16, 16, 3)),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4),
        ]
    )


@random_weights
def dilated_conv():
    """Dilated and strided convolutions with an oblong kernel."""
    return keras.Sequential(
        [
            keras.Input(shape=(16, 12, 2)),
            layers.Conv2D(6, (3, 5), dilation_rate=2, padding="same", activation="relu"),
            layers.Conv2D(6, (1, 3), strides=(2, 3), activation="relu"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


@random_weights
def transposed_conv():
    """A generator: Dense, Reshape and transposed convolutions."""
    return keras.Sequential(
        [
            keras.Input(shape=(6,)),
            layers.Dense(4 * 4 * 4),
            layers.Reshape((4, 4, 4)),
            layers.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(2, 4, strides=2, padding="same", activation="tanh"),
        ]
    )


@random_weights
def separable_conv():
    """Separable convolutions, one with a depth multiplier."""
    return keras.Sequential(
        [
            keras.Input(shape=(12, 12, 3)),
            layers.SeparableConv2D(8, 3, depth_multiplier=2, padding="same", activation="relu"),
            layers.SeparableConv2D(8, 3, strides=2, activation="relu"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(3),
        ]
    )


@random_weights
def depthwise_conv():
    """Depthwise convolution followed by a pointwise one, with batch normalization between."""
    return keras.Sequential(
        [
            keras.Input(shape=(12, 12, 4)),
            layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
            layers.BatchNormalization(),
            layers.ReLU(max_value=6.0),
            layers.Conv2D(6, 1, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
        ]
    )


@random_weights
def conv3d():
    """Convolution and pooling in three dimensions."""
    return keras.Sequential(
        [
            keras.Input(shape=(6, 8, 8, 1)),
            layers.Conv3D(4, 3, activation="relu"),
            layers.MaxPooling3D((2, 2, 2)),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


@random_weights
def pooling():
    """Maximum and average pooling, local and global, with both paddings."""
    inputs = keras.Input(shape=(13, 11, 3))
    x = layers.Conv2D(6, 3, padding="same")(inputs)
    branches = [
        layers.GlobalMaxPooling2D()(layers.AveragePooling2D(3, strides=2, padding="same")(x)),
        layers.GlobalAveragePooling2D()(layers.MaxPooling2D((2, 3), padding="valid")(x)),
        layers.Flatten()(layers.MaxPooling2D(4, padding="same")(x)),
    ]
    return keras.Model(inputs, layers.Dense(3)(layers.Concatenate()(branches)))


@random_weights
def padding():
    """Zero padding, cropping and up-sampling by both interpolations."""
    return keras.Sequential(
        [
            keras.Input(shape=(8, 8, 2)),
            layers.ZeroPadding2D(((1, 2), (2, 1))),
            layers.Conv2D(4, 3, activation="relu"),
            layers.UpSampling2D(2),
            layers.Cropping2D(((1, 3), (2, 2))),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.Conv2D(2, 3, strides=2),
        ]
    )


@random_weights
def residual():
    """Two residual blocks, the second with a projected shortcut."""
    inputs = keras.Input(shape=(12, 12, 3))
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
    for filters, strides in ((6, 1), (8, 2)):
        y = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(y))
        if strides > 1:
            x = layers.Conv2D(filters, 1, strides=strides)(x)
        x = layers.Activation("relu")(layers.Add()([x, y]))
    return keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))


@random_weights
def unet():
    """A segmentation network: down, up, and skip connections."""
    inputs = keras.Input(shape=(16, 16, 1))
    first = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    second = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(first))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(second))
    x = layers.Concatenate()([layers.UpSampling2D()(x), second])
    x = layers.Conv2DTranspose(6, 2, strides=2, padding="same", activation="relu")(x)
    x = layers.Concatenate()([x, first])
    return keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))


@random_weights
def mobilenet():
    """MobileNetV2 of keras.applications, as narrow as it gets, without pretrained weights."""
    return keras.applications.MobileNetV2(input_shape=(32, 32, 3), alpha=0.1, weights=None, classes=4)


@random_weights
def dynamic_image():
    """A fully convolutional classifier for images of any size."""
    inputs = keras.Input(shape=(None, None, 3))
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


@random_weights
def resizing():
    """Bilinear resizing and rescaling in front of a convolution."""
    return keras.Sequential(
        [
            keras.Input(shape=(10, 14, 3)),
            layers.Resizing(8, 8),
            layers.Rescaling(1.5, offset=0.1),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


@random_weights
def augmentation():
    """Random flips and rotations, idle in inference, in front of a convolution."""
    return keras.Sequential(
        [
            keras.Input(shape=(12, 12, 3)),
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.1),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
        ]
    )
