"""Layers for training that do nothing when a model predicts, and still bring state into its graph."""

from .rewrite import Rewrite, shape_of

_IDLE = (
    *("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness"),
    *("RandomHeight", "RandomWidth", "RandomHue", "RandomSaturation", "RandomSharpness", "RandomShear"),
    *("RandomGrayscale", "RandomPosterization", "RandomColorJitter", "RandomColorDegeneration", "RandomPerspective"),
    *("RandomErasing", "RandomElasticTransform", "RandomGaussianBlur", "RandomInvert", "RandAugment", "AugMix"),
    *("GaussianNoise", "GaussianDropout"),
)


def _keeps_seed(layer, _):
    """Keras 3 keeps the state of a layer's random numbers in a variable, which cannot be frozen."""
    return hasattr(layer, "generator") or hasattr(layer, "seed_generator")


def _left_out(kit, layer):
    wanted = getattr(layer, "compute_dtype", "float32")

    def call(x, **_):
        if getattr(x.dtype, "name", x.dtype) == wanted:
            return x
        # They give floating-point numbers, whatever they are given.
        return kit.layer("Rescaling", layer, "", scale=1.0)(x) if shape_of(x) else x

    return call


IDLE = (
    Rewrite(
        "idle-layer",
        "a layer that augments, or adds noise, in training only is left out",
        classes=_IDLE,
        formats=("graph",),
        fits=_keeps_seed,
        make=_left_out,
    ),
)
