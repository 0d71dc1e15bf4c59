"""The int8 engine's host side: reads a ``.tflite`` file and plans its execution."""
