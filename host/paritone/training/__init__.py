"""Mode `training`: clips of a data set -> a float Keras model in the run's directory."""

from paritone.training.loop import TrainedModel, check, train

__all__ = ["TrainedModel", "check", "train"]
