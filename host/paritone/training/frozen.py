"""What frozen layers give, computed once where the same patches come back in every epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from paritone.models.transfer import head_index

if TYPE_CHECKING:
    import keras

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Divided:
    """A model in two, which share its layers and so its weights.

    Attributes
    ----------
    backbone : patches -> embeddings; nothing in it is trained or random
    head : embeddings -> classes, all that is trained
    """

    backbone: keras.Model
    head: keras.Model

    def embed(self, batches: Iterable[Array], count: int, title: str) -> Array:
        """Return the embeddings of `count` batches of patches: float32 [patches, …]."""
        from paritone.progress import track

        made = [
            self.backbone.predict_on_batch(batch)
            for batch in track(batches, f"Embedding {title}", count)
        ]
        return np.concatenate(made)


def divide(model: keras.Model) -> Divided | None:
    """Divide a model before its head; None unless all that is trained or random is behind there."""
    from keras import Input, Model

    first = head_index(model)
    while first > 0 and type(model.layers[first - 1]).__name__ == "Dropout":
        first -= 1
    before, after = model.layers[:first], model.layers[first:]
    if not after or not _is_chain(model, after) or any(map(_changes, _flat(before))):
        return None
    backbone = Model(model.inputs, after[0].input, name="frozen")
    x = inputs = Input(after[0].input.shape[1:])
    for layer in after:
        x = layer(x)
    return Divided(backbone, Model(inputs, x, name="trained"))


def _is_chain(model: keras.Model, layers: Sequence[Any]) -> bool:
    following = [*(layer.input for layer in layers[1:]), model.outputs[0]]
    return all(layer.output is taken for layer, taken in zip(layers, following, strict=True))


def _changes(layer: Any) -> bool:
    """Tell whether a layer learns, or draws at random, while a model is trained."""
    return hasattr(layer, "seed_generator") or bool(layer.trainable and layer.weights)


def _flat(layers: Sequence[Any]) -> Iterator[Any]:
    for layer in layers:
        if hasattr(layer, "layers"):
            yield from _flat(layer.layers)
        else:
            yield layer
