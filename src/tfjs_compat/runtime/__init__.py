"""TensorFlow.js as it really is: a pinned bundle, run by Node or by a headless browser."""
