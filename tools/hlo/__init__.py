"""Trains a configuration on a machine that has JAX but no TensorFlow, such as a borrowed GPU.

    python -m tools.hlo.export conf/gallery.yml -o build/step --set batch_size=8   # TensorFlow
    python tools/hlo/train.py build/step photos/                                   # JAX
    python -m tools.hlo.collect build/step                                         # TensorFlow

The first command writes the training step as HLO, XLA's language, with all variables, and begins
an ordinary run. The second needs nothing of fastnst. The third saves the trained variables as the
last checkpoint of the run, which `fastnst eval` and `fastnst export` use like any other.
"""
