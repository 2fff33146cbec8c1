"""After keras.io examples on vision; own code."""

import keras
from keras import layers, ops


def mnist_convnet():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def xception_small():
    i = keras.Input((48, 48, 3))
    x = layers.Rescaling(1 / 255)(i)
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(16, 3, strides=2, padding="same")(x)))
    kept = x
    for size in (24, 32):
        for _ in range(2):
            x = layers.BatchNormalization()(
                layers.SeparableConv2D(size, 3, padding="same")(layers.Activation("relu")(x))
            )
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        x = layers.add([x, layers.Conv2D(size, 1, strides=2, padding="same")(kept)])
        kept = x
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.SeparableConv2D(40, 3, padding="same")(x)))
    return keras.Model(i, layers.Dense(1)(layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(x))))


def unet():
    i = keras.Input((32, 32, 3))
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(8, 3, strides=2, padding="same")(i)))
    kept = x
    for f in (12, 16):
        for _ in range(2):
            x = layers.BatchNormalization()(layers.SeparableConv2D(f, 3, padding="same")(layers.Activation("relu")(x)))
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        x = layers.add([x, layers.Conv2D(f, 1, strides=2, padding="same")(kept)])
        kept = x
    for f in (16, 12, 8):
        for _ in range(2):
            x = layers.BatchNormalization()(layers.Conv2DTranspose(f, 3, padding="same")(layers.Activation("relu")(x)))
        x = layers.UpSampling2D(2)(x)
        x = layers.add([x, layers.Conv2D(f, 1, padding="same")(layers.UpSampling2D(2)(kept))])
        kept = x
    return keras.Model(i, layers.Conv2D(3, 3, activation="softmax", padding="same")(x))


def convmixer():
    i = keras.Input((32, 32, 3))

    def norm(x):
        return layers.BatchNormalization()(layers.Activation("gelu")(x))

    x = norm(layers.Conv2D(24, 2, strides=2)(layers.Rescaling(scale=1.0 / 255)(i)))
    for _ in range(2):
        y = norm(layers.DepthwiseConv2D(5, padding="same")(x))
        x = norm(layers.Conv2D(24, 1)(layers.Add()([y, x])))
    return keras.Model(i, layers.Dense(10, activation="softmax")(layers.GlobalAvgPool2D()(x)))


class Patches(layers.Layer):
    def __init__(self, size, **more):
        super().__init__(**more)
        self.size = size

    def call(self, x):
        b, h, w, c = ops.shape(x)
        n = (h // self.size) * (w // self.size)
        return ops.reshape(ops.image.extract_patches(x, size=self.size), (b, n, self.size * self.size * c))


class PatchEncoder(layers.Layer):
    def __init__(self, n, width):
        super().__init__()
        self.n, self.project, self.place = n, layers.Dense(width), layers.Embedding(n, width)

    def call(self, x):
        return self.project(x) + self.place(ops.expand_dims(ops.arange(0, self.n), 0))


def _mlp(x, units):
    for u in units:
        x = layers.Dropout(0.1)(layers.Dense(u, activation=keras.activations.gelu)(x))
    return x


def vit():
    i = keras.Input((24, 24, 3))
    x = PatchEncoder(16, 32)(Patches(6)(layers.Normalization(mean=[0.4, 0.5, 0.5], variance=[0.1, 0.1, 0.1])(i)))
    for _ in range(2):
        a = layers.LayerNormalization(epsilon=1e-6)(x)
        x2 = layers.Add()([layers.MultiHeadAttention(num_heads=2, key_dim=16, dropout=0.1)(a, a), x])
        x = layers.Add()([_mlp(layers.LayerNormalization(epsilon=1e-6)(x2), [64, 32]), x2])
    x = layers.Dropout(0.5)(layers.Flatten()(layers.LayerNormalization(epsilon=1e-6)(x)))
    return keras.Model(i, layers.Dense(10)(_mlp(x, [48, 24])))


def mlp_mixer():
    class Mixer(layers.Layer):
        def __init__(self, n, width):
            super().__init__()
            self.a = keras.Sequential([layers.Dense(n, activation="gelu"), layers.Dense(n), layers.Dropout(0.2)])
            self.b = keras.Sequential([layers.Dense(n, activation="gelu"), layers.Dense(width), layers.Dropout(0.2)])
            self.norm = layers.LayerNormalization(epsilon=1e-6)

        def call(self, x):
            y = ops.transpose(self.a(ops.transpose(self.norm(x), axes=(0, 2, 1))), axes=(0, 2, 1)) + x
            return y + self.b(self.norm(y))

    i = keras.Input((24, 24, 3))
    x = layers.Dense(20)(Patches(6)(i))
    x = keras.Sequential([Mixer(16, 20) for _ in range(2)])(x)
    return keras.Model(i, layers.Dense(10)(layers.Dropout(0.2)(layers.GlobalAveragePooling1D()(x))))


class Window(layers.Layer):
    """shifted windows with a relative position bias"""

    def __init__(self, width, heads, window, shift, size, **more):
        super().__init__(**more)
        self.width, self.heads, self.window, self.shift, self.size = width, heads, window, shift, size
        self.norm, self.qkv, self.proj = (
            layers.LayerNormalization(epsilon=1e-5),
            layers.Dense(width * 3),
            layers.Dense(width),
        )
        self.mlp = keras.Sequential([layers.Dense(width * 2), layers.Activation("gelu"), layers.Dense(width)])
        self.norm2 = layers.LayerNormalization(epsilon=1e-5)

    def build(self, shape):
        n = self.window * self.window
        self.bias = self.add_weight(shape=(n, n, self.heads), initializer="random_normal", name="bias")

    def call(self, x):
        kept, (w, n, s) = x, (self.window, self.window**2, self.size)
        x = ops.reshape(self.norm(x), (-1, s, s, self.width))
        if self.shift:
            x = ops.roll(x, shift=[-self.shift, -self.shift], axis=[1, 2])
        x = ops.reshape(x, (-1, s // w, w, s // w, w, self.width))
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, n, self.width))
        q, k, v = ops.unstack(
            ops.transpose(ops.reshape(self.qkv(x), (-1, n, 3, self.heads, self.width // self.heads)), (2, 0, 3, 1, 4)),
            axis=0,
        )
        a = ops.softmax(
            q @ ops.transpose(k, (0, 1, 3, 2)) * (self.width // self.heads) ** -0.5
            + ops.transpose(self.bias, (2, 0, 1))[None]
        )
        x = self.proj(ops.reshape(ops.transpose(a @ v, (0, 2, 1, 3)), (-1, n, self.width)))
        x = ops.transpose(ops.reshape(x, (-1, s // w, s // w, w, w, self.width)), (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (-1, s, s, self.width))
        if self.shift:
            x = ops.roll(x, shift=[self.shift, self.shift], axis=[1, 2])
        x = kept + ops.reshape(x, (-1, s * s, self.width))
        return x + self.mlp(self.norm2(x))


def swin():
    i = keras.Input((32, 32, 3))
    x = layers.Reshape((64, 24))(layers.Conv2D(24, 4, strides=4)(i))
    x = Window(24, 3, 4, 2, 8)(Window(24, 3, 4, 0, 8)(x))
    return keras.Model(i, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling1D()(x)))


class Involution(layers.Layer):
    def __init__(self, channel, group, size, ratio, **more):
        super().__init__(**more)
        self.channel, self.group, self.size, self.ratio = channel, group, size, ratio
        self.kernel = keras.Sequential(
            [
                layers.Conv2D(channel // ratio, 1),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.Conv2D(size * size * group, 1),
            ]
        )

    def build(self, shape):
        _, h, w, c = shape
        self.flat = layers.Reshape((h, w, self.size**2, 1, self.group))
        self.patch = layers.Reshape((h, w, self.size**2, c // self.group, self.group))
        self.out = layers.Reshape((h, w, c))

    def call(self, x):
        k = self.flat(self.kernel(x))
        p = self.patch(
            ops.image.extract_patches(x, size=(self.size, self.size), strides=(1, 1), dilation_rate=1, padding="same")
        )
        return self.out(ops.sum(k * p, axis=3)), k


def involution():
    i = keras.Input((16, 16, 3))
    x, _ = Involution(3, 1, 3, 1)(i)
    x, _ = Involution(3, 1, 3, 1)(layers.MaxPooling2D(2)(layers.ReLU()(x)))
    return keras.Model(i, layers.Dense(10)(layers.Dense(32, activation="relu")(layers.Flatten()(x))))


def dcgan_generator():
    return keras.Sequential(
        [
            keras.Input((32,)),
            layers.Dense(4 * 4 * 16),
            layers.Reshape((4, 4, 16)),
            layers.Conv2DTranspose(16, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2DTranspose(24, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(3, 5, padding="same", activation="sigmoid"),
        ],
        name="generator",
    )


def dcgan_discriminator():
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(16, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(24, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="discriminator",
    )


def captcha_ocr():
    i = keras.Input((40, 20, 1), name="image")
    x = layers.MaxPooling2D((2, 2))(
        layers.Conv2D(8, 3, activation="relu", kernel_initializer="he_normal", padding="same")(i)
    )
    x = layers.MaxPooling2D((2, 2))(
        layers.Conv2D(16, 3, activation="relu", kernel_initializer="he_normal", padding="same")(x)
    )
    x = layers.Dropout(0.2)(layers.Dense(24, activation="relu")(layers.Reshape((10, 80))(x)))
    x = layers.Bidirectional(layers.LSTM(24, return_sequences=True, dropout=0.25))(x)
    x = layers.Bidirectional(layers.LSTM(12, return_sequences=True, dropout=0.25))(x)
    return keras.Model(i, layers.Dense(21, activation="softmax", name="dense2")(x))


def super_resolution():
    """sub-pixel convolution for any size"""

    class Shuffle(layers.Layer):
        def call(self, x):
            import tensorflow as tf

            return tf.nn.depth_to_space(x, 3)

    i = keras.Input((None, None, 1))
    x = layers.Conv2D(16, 5, activation="relu", kernel_initializer="orthogonal", padding="same")(i)
    x = layers.Conv2D(16, 3, activation="relu", kernel_initializer="orthogonal", padding="same")(x)
    return keras.Model(i, Shuffle()(layers.Conv2D(9, 3, padding="same", kernel_initializer="orthogonal")(x)))


class Masked(layers.Layer):
    def __init__(self, kind, **more):
        super().__init__()
        self.kind, self.conv = kind, layers.Conv2D(**more)

    def build(self, shape):
        import numpy as np

        self.conv.build(shape)
        s = self.conv.kernel.shape
        m = np.zeros(s, "float32")
        m[: s[0] // 2] = 1
        m[s[0] // 2, : s[1] // 2] = 1
        if self.kind == "B":
            m[s[0] // 2, s[1] // 2] = 1
        self.mask = m

    def call(self, x):
        self.conv.kernel.assign(self.conv.kernel * self.mask)
        return self.conv(x)


def pixelcnn():
    i = keras.Input((14, 14, 1))
    x = Masked("A", filters=12, kernel_size=7, activation="relu", padding="same")(i)
    for _ in range(2):
        y = layers.Conv2D(12, 1, activation="relu")(x)
        y = Masked("B", filters=6, kernel_size=3, activation="relu", padding="same")(y)
        x = layers.add([x, layers.Conv2D(12, 1, activation="relu")(y)])
    return keras.Model(i, layers.Conv2D(1, 1, activation="sigmoid")(x))


def autoencoder():
    i = keras.Input((28, 28, 1))
    x = layers.MaxPooling2D(2, padding="same")(layers.Conv2D(8, 3, activation="relu", padding="same")(i))
    x = layers.MaxPooling2D(2, padding="same")(layers.Conv2D(8, 3, activation="relu", padding="same")(x))
    x = layers.Conv2DTranspose(8, 3, strides=2, activation="relu", padding="same")(x)
    x = layers.Conv2DTranspose(8, 3, strides=2, activation="relu", padding="same")(x)
    return keras.Model(i, layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x))


def deeplab():
    i = keras.Input((48, 48, 3))

    def block(x, f=16, k=3, d=1):
        return layers.ReLU()(
            layers.BatchNormalization()(
                layers.Conv2D(
                    f,
                    k,
                    dilation_rate=d,
                    padding="same",
                    use_bias=False,
                    kernel_initializer=keras.initializers.HeNormal(),
                )(x)
            )
        )

    x = block(layers.MaxPooling2D(4)(block(i)))
    y = layers.AveragePooling2D(pool_size=(x.shape[-3], x.shape[-2]))(x)
    y = block(y, k=1)
    y = layers.UpSampling2D(size=(x.shape[-3] // y.shape[1], x.shape[-2] // y.shape[2]), interpolation="bilinear")(y)
    x = block(layers.Concatenate()([y, block(x, k=1), block(x, d=2), block(x, d=3)]), k=1)
    x = layers.UpSampling2D(4, interpolation="bilinear")(x)
    return keras.Model(i, layers.Conv2D(4, 1, padding="same")(x))


def cyclegan_generator():
    class Reflect(layers.Layer):
        def __init__(self, pad=(1, 1), **more):
            super().__init__(**more)
            self.pad = pad

        def call(self, x):
            w, h = self.pad
            return ops.pad(x, [[0, 0], [h, h], [w, w], [0, 0]], mode="reflect")

    i = keras.Input((24, 24, 3))

    def norm(x):
        return layers.GroupNormalization(groups=-1, epsilon=1e-5)(x)

    x = layers.Activation("relu")(norm(layers.Conv2D(8, 7, use_bias=False)(Reflect((3, 3))(i))))
    x = layers.Activation("relu")(norm(layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(x)))
    y = norm(
        layers.Conv2D(16, 3, use_bias=False)(
            Reflect()(layers.Activation("relu")(norm(layers.Conv2D(16, 3, use_bias=False)(Reflect()(x)))))
        )
    )
    x = layers.add([y, x])
    x = layers.Activation("relu")(norm(layers.Conv2DTranspose(8, 3, strides=2, padding="same", use_bias=False)(x)))
    return keras.Model(i, layers.Activation("tanh")(layers.Conv2D(3, 7)(Reflect((3, 3))(x))))


def conv3d_ct():
    i = keras.Input((16, 16, 8, 1))
    x = layers.BatchNormalization()(layers.MaxPool3D(2)(layers.Conv3D(8, 3, activation="relu")(i)))
    x = layers.GlobalAveragePooling3D()(layers.Conv3D(12, 2, activation="relu")(x))
    return keras.Model(
        i, layers.Dense(1, activation="sigmoid")(layers.Dropout(0.3)(layers.Dense(24, activation="relu")(x)))
    )


def next_frame():
    i = keras.Input((None, 12, 12, 1))
    x = layers.BatchNormalization()(
        layers.ConvLSTM2D(6, 5, padding="same", return_sequences=True, activation="relu")(i)
    )
    x = layers.ConvLSTM2D(6, 3, padding="same", return_sequences=True, activation="relu")(x)
    return keras.Model(i, layers.Conv3D(1, 3, activation="sigmoid", padding="same")(x))


def video_cnn_rnn():
    frames, mask = keras.Input((6, 20)), keras.Input((6,), dtype="bool")
    x = layers.GRU(12, return_sequences=True)(frames, mask=mask)
    x = layers.Dropout(0.4)(layers.GRU(8)(x))
    return keras.Model([frames, mask], layers.Dense(5, activation="softmax")(layers.Dense(8, activation="relu")(x)))


def siamese_contrastive():
    tower_in = keras.Input((28, 28, 1))
    x = layers.BatchNormalization()(tower_in)
    x = layers.AveragePooling2D(2)(layers.Conv2D(4, 5, activation="tanh")(x))
    x = layers.AveragePooling2D(2)(layers.Conv2D(16, 5, activation="tanh")(x))
    x = layers.Dense(10, activation="tanh")(layers.BatchNormalization()(layers.Flatten()(x)))
    tower = keras.Model(tower_in, x)
    a, b = keras.Input((28, 28, 1)), keras.Input((28, 28, 1))

    def distance(v):
        return ops.sqrt(ops.maximum(ops.sum(ops.square(v[0] - v[1]), axis=1, keepdims=True), keras.backend.epsilon()))

    d = layers.Lambda(distance, output_shape=(1,))([tower(a), tower(b)])
    return keras.Model([a, b], layers.Dense(1, activation="sigmoid")(layers.BatchNormalization()(d)))


class Capsules(layers.Layer):
    """routing by agreement, in short"""

    def __init__(self, count, width, rounds=2):
        super().__init__()
        self.count, self.width, self.rounds = count, width, rounds

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[1], self.count, shape[2], self.width), name="w")

    def call(self, x):
        u = ops.einsum("bid,icdw->bicw", x, self.w)
        b = ops.zeros_like(u[..., :1])
        for _ in range(self.rounds):
            s = ops.sum(ops.softmax(b, axis=2) * u, axis=1)
            n = ops.sum(ops.square(s), -1, keepdims=True)
            v = n / (1 + n) * s / ops.sqrt(n + 1e-7)
            b = b + ops.sum(u * v[:, None], -1, keepdims=True)
        return v


def capsule():
    i = keras.Input((20, 20, 1))
    x = layers.Conv2D(16, 5, strides=2, activation="relu")(i)
    x = layers.Reshape((-1, 8))(layers.Conv2D(16, 3, strides=2)(x))
    x = Capsules(5, 6)(x)
    return keras.Model(i, layers.Lambda(lambda v: ops.sqrt(ops.sum(ops.square(v), -1)))(x))


def zero_dce():
    i = keras.Input((None, None, 3))

    def c(x):
        return layers.Conv2D(8, 3, activation="relu", padding="same")(x)

    a = c(i)
    b = c(a)
    d = c(b)
    e = c(layers.Concatenate()([d, b]))
    x = layers.Conv2D(24, 3, activation="tanh", padding="same")(layers.Concatenate()([e, a]))
    y = i
    for k in range(8):
        r = x[..., 3 * k : 3 * k + 3]
        y = y + r * (ops.square(y) - y)
    return keras.Model(i, y)


def keypoints():
    i = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(i)
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = layers.SeparableConv2D(24, kernel_size=5, strides=1, activation="relu")(layers.Dropout(0.3)(x))
    return keras.Model(i, layers.SeparableConv2D(48, kernel_size=11, strides=1, activation="sigmoid")(x))


def detector_head():
    """anchors, classes and boxes from three levels of a pyramid, as one tensor"""
    i = keras.Input((None, None, 3))
    levels, x = [], layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(i)
    for _ in range(3):
        x = layers.Conv2D(12, 3, strides=2, padding="same", activation="relu")(x)
        levels.append(x)
    head = keras.Sequential(
        [
            keras.Input((None, None, 12)),
            layers.Conv2D(12, 3, padding="same", activation="relu"),
            layers.Conv2D(9 * 5, 3, padding="same"),
        ]
    )
    flat = [layers.Reshape((-1, 5))(head(level)) for level in levels]
    return keras.Model(i, layers.Concatenate(axis=1)(flat))


def cct():
    i = keras.Input((32, 32, 3))
    x = i
    for f in (16, 24):
        x = layers.ZeroPadding2D(1)(
            layers.Conv2D(f, 3, 1, padding="valid", use_bias=False, activation="relu", kernel_initializer="he_normal")(
                x
            )
        )
        x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = layers.Reshape((64, 24))(x)
    a = layers.LayerNormalization(epsilon=1e-5)(x)
    x = layers.Add()([layers.MultiHeadAttention(2, 24, dropout=0.1)(a, a), x])
    x = layers.Add()([_mlp(layers.LayerNormalization(epsilon=1e-5)(x), [24, 24]), x])
    x = layers.LayerNormalization(epsilon=1e-5)(x)
    w = layers.Permute((2, 1))(layers.Softmax(axis=1)(layers.Dense(1)(x)))
    return keras.Model(i, layers.Dense(10)(layers.Flatten()(layers.Dot(axes=(2, 1))([w, x]))))


class Captioner(keras.Model):
    """image features and words so far in, next words out"""

    def __init__(self):
        super().__init__()
        self.words, self.places = layers.Embedding(60, 16), layers.Embedding(8, 16)
        self.dense, self.att, self.cross = (
            layers.Dense(16, activation="relu"),
            layers.MultiHeadAttention(2, 8),
            layers.MultiHeadAttention(2, 8),
        )
        self.n1, self.n2, self.out = (
            layers.LayerNormalization(),
            layers.LayerNormalization(),
            layers.Dense(60, activation="softmax"),
        )

    def call(self, inputs):
        image, words = inputs
        e = self.dense(image)
        x = self.words(words) + self.places(ops.arange(ops.shape(words)[-1]))
        x = self.n1(x + self.att(x, x, use_causal_mask=True))
        return self.out(self.n2(x + self.cross(x, e)))


def caption_block():
    image, words = keras.Input((9, 20)), keras.Input((8,), dtype="int32")
    return keras.Model([image, words], Captioner()([image, words]))


def captioner_subclassed():
    import numpy as np

    m = Captioner()
    m([np.zeros((2, 9, 20), "float32"), np.zeros((2, 8), "int32")])
    return m


def student():
    """the student of a distillation: a Distiller around it is not what is deployed"""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, (3, 3), strides=(2, 2), padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.MaxPooling2D(pool_size=(2, 2), strides=(1, 1), padding="same"),
            layers.Conv2D(16, (3, 3), strides=(2, 2), padding="same"),
            layers.Flatten(),
            layers.Dense(10),
        ],
        name="student",
    )


def barlow_spectral():
    i = keras.Input((24, 24, 3))
    x = layers.SpectralNormalization(layers.Conv2D(8, 3, strides=2, padding="same"))(i)
    x = layers.SpectralNormalization(layers.Dense(16))(layers.Flatten()(layers.LeakyReLU()(x)))
    return keras.Model(i, layers.UnitNormalization()(x))


def preprocessing_chain():
    i = keras.Input((None, None, 3), dtype="uint8")
    x = layers.CenterCrop(24, 24)(layers.Resizing(32, 32)(i))
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    return keras.Model(i, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))


def augmented():
    i = keras.Input((32, 32, 3))
    x = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])(i)
    x = layers.Rescaling(1.0 / 255)(x)
    x = layers.Conv2D(8, 3, activation="relu")(x)
    return keras.Model(i, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(x)))
