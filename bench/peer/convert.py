"""Convert one model by one route: ``python convert.py MODEL ROUTE TARGET``. MODEL is a function of BENCH_ZOO's package.

Exit code 1: it does not convert. Python >= 3.8; imports nothing of tfjs_compat.
"""

import os
import shutil
import sys
import tempfile


def main(name, route, target):
    import tensorflow as tf
    import tensorflowjs as tfjs

    sys.path.insert(0, os.environ["BENCH_ZOO"])
    import zoo

    model = getattr(zoo, name)()
    shutil.rmtree(target, ignore_errors=True)
    if route == "layers":
        tfjs.converters.save_keras_model(model, target)
        return
    with tempfile.TemporaryDirectory() as saved:
        if int(getattr(tf.keras, "__version__", "2")[0]) >= 3:
            model.export(saved)
        else:
            tf.saved_model.save(model, saved)
        tfjs.converters.convert_tf_saved_model(saved, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
