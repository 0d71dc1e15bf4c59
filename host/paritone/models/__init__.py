"""Float Keras models: the zoo's architectures, the user's own, and model files old and new."""
