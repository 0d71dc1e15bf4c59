"""An int8 ONNX model in the QDQ format becomes a ``.tflite`` of the same weights and scales.

No converter keeps them: each quantizes anew. Every operator between DequantizeLinear and
QuantizeLinear becomes the one of TensorFlow Lite that computes it on the same int8 values; what
is left is how a result is rounded, a step at most of an operator.
"""

from paritone.qdq.translation import translate

__all__ = ["translate"]
