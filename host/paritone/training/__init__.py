"""Mode `training`: clips of a data set -> a float Keras model in the run's directory."""

from paritone.training.loop import TrainedModel, train

__all__ = ["TrainedModel", "train"]
