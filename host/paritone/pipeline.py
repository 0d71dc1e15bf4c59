"""operation_mode -> steps: a configuration is checked whole, then run one step after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from paritone import datasets, evaluation, preparation, progress, quantization, report, tracking
from paritone.config import STEPS, target
from paritone.errors import AudioError, ModelError, ParitoneError, ToolMissingError
from paritone.evaluation import (
    conversion,
    figures,
    layer_errors,
    metrics,
    patch_files,
    prediction,
    remedies,
    scoring,
    streaming,
    thresholds,
)
from paritone.evaluation.accuracy import Accuracy
from paritone.models import onnx_file
from paritone.preparation import Prepared
from paritone.quantization import device_model
from paritone.report import page
from paritone.tracking import Tracker, Untracked

prepare = preparation.prepare

LOG_NAME = "stm32ai_main.log"
_log = logging.getLogger("paritone.run")


@dataclass(frozen=True)
class Results:
    """What the steps so far have made and found.

    Attributes
    ----------
    model : the model that the next step works on: the configured one until a step makes another
    parts : the sections of summary.json
    evaluated, predicted : what the report shows clip by clip
    problem : the first check that did not hold or clip that cannot be read, None without any
    """

    model: Path | None
    parts: Mapping[str, Any] = field(default_factory=dict)
    evaluated: Mapping[str, Accuracy] = field(default_factory=dict)
    predicted: prediction.Predictions | None = None
    problem: ParitoneError | None = None
    tracker: Tracker = field(default_factory=Untracked)

    def with_part(self, name: str, found: Mapping[str, Any]) -> Results:
        """Add to a section of summary.json."""
        merged = {**self.parts.get(name, {}), **found}
        return replace(self, parts={**self.parts, name: merged})

    def without(self, what: str, why: str) -> Results:
        """Add to what summary.json lists as left out."""
        _log.warning("left out: %s: %s", what, why)
        return self.with_part("left_out", {what: why})


Step = Callable[[Prepared, Path, Results], Results]


def run(prepared: Prepared, run_dir: Path, parent_run: str | None = None) -> dict[str, Any]:
    """Run the steps of ``operation_mode`` in a directory; returns what summary.json holds.

    Parameters
    ----------
    parent_run : of MLflow's records: the sweep that this run is a part of

    Raises
    ------
    ParitoneError
        A step failed, or a check did not hold (CheckFailedError), or a clip to predict cannot be
        read (AudioError): the rest is done, and in summary.json.
    """
    config = prepared.config
    run_dir.mkdir(parents=True, exist_ok=True)
    results = Results(config.general.model_path)
    with _logged(run_dir / LOG_NAME), tracking.tracked(config, run_dir, parent_run) as tracker:
        results = replace(results, tracker=tracker)
        _log.info("operation_mode %s", config.operation_mode)
        for letter in STEPS[config.operation_mode]:
            results = TABLE[letter](prepared, run_dir, results)
        record = report.summary(config.operation_mode, results.parts)
        report.write_summary(run_dir / "summary.json", record)
        _log.info("summary: %s", run_dir / "summary.json")
        with _step("Writing the report"):
            written = page.write(_material(prepared, run_dir, results, record))
        _log.info("report: %s", written)
        tracker.metrics(report.numbers(record))
        tracker.files(run_dir, run_dir / config.general.saved_models_dir)
    report.print_summary(record)
    if results.problem is not None:
        raise results.problem
    return record


def _material(
    prepared: Prepared, run_dir: Path, results: Results, record: Mapping[str, Any]
) -> page.Material:
    config = prepared.config
    models = dict.fromkeys(
        path for path in (config.general.model_path, results.model) if path is not None
    )
    return page.Material(
        run_dir,
        config,
        record,
        list(models),
        prepared.test,
        prepared.store,
        results.evaluated,
        results.predicted,
    )


def _train(prepared: Prepared, run_dir: Path, results: Results) -> Results:
    from paritone import training

    with _step("Training"):
        trained = training.train(
            prepared.config,
            run_dir,
            lambda epoch, values: results.tracker.metrics(values, epoch),
        )
    results = replace(results, model=trained.path).with_part("training", trained.summary())
    if prepared.test is not None:
        return _evaluate(prepared, run_dir, results)
    _, results = _with_thresholds(prepared, trained.path, run_dir, results)
    return results.with_part("model", evaluation.describe(trained.path))


def _evaluate(prepared: Prepared, run_dir: Path, results: Results) -> Results:
    model = _need(results.model)
    prepared, results = _with_thresholds(prepared, model, run_dir, results)
    quantized = evaluation.is_quantized(model)
    kinds = ["int8" if quantized else "float"]
    if quantized:
        problem = evaluation.device_problem(model, prepared.config)
        if problem is None:
            kinds += ["device", "streaming"]
            kinds += [on] if (on := target(prepared.config)) not in ("host", "native") else []
        else:
            progress.notice(f"accuracy on the device is left out: {problem}")
            results = results.without("accuracy on the device", problem)
    device = model
    if len(kinds) > 1:
        device, results = _for_device(prepared, run_dir, results)
    for kind in kinds:
        with _step(f"Evaluating {model.name}, {_HOW.get(kind, f'on {kind}')}"):
            found = _accuracy(kind, model if kind == kinds[0] else device, prepared)
            more = metrics.of(found, prepared.config.unknown_class_threshold)
            figures.draw_evaluation(kind, found, more, run_dir)
        _log.info("accuracy, %s: %s, by class %s", kind, found.summary(), found.per_class)
        results = results.with_part("accuracy", {kind: {**found.summary(), **more.record()}})
        results = replace(results, evaluated={**results.evaluated, kind: found})
        if kind == kinds[0]:
            data = prepared.store.load(_need(prepared.test))
            for path in patch_files.write(
                model, data, found.evidence.scores, prepared.config, kind, run_dir
            ):
                _log.info("%s", path)
    return results.with_part("model", evaluation.describe(model))


def _with_thresholds(
    prepared: Prepared, model: Path, run_dir: Path, results: Results
) -> tuple[Prepared, Results]:
    """The configuration with this model's thresholds, where a clip has several labels."""
    config = prepared.config
    if not config.dataset.multi_label:
        return prepared, results
    names = datasets.class_names(config)
    with _step(f"Choosing the thresholds of {model.name}"):
        chosen = thresholds.of_model(model, config, names, prepared.validation, prepared.store)
        chosen.save(run_dir / thresholds.FILE_NAME)
    _log.info("thresholds, %s: %s", chosen.source, chosen.values)
    results = results.with_part("class_thresholds", {"model": model.name, **chosen.record()})
    return replace(prepared, config=chosen.put_into(config)), results


_HOW = {
    "float": "float features",
    "int8": "float features",
    "device": "integer features",
    "streaming": "as the device hears: whole clips, integer features",
}


def _accuracy(kind: str, model: Path, prepared: Prepared) -> Accuracy:
    test = _need(prepared.test)
    if kind == "streaming":
        return streaming.evaluate(model, test, prepared.config)
    if kind not in _HOW:
        return scoring.evaluate(model, test, prepared.config, kind, prepared.store)
    features = "integer" if kind == "device" else "float"
    return evaluation.evaluate(model, test, prepared.config, features, prepared.store)


def _for_device(prepared: Prepared, run_dir: Path, results: Results) -> tuple[Path, Results]:
    """Return the ``.tflite`` that the device runs; compare one made of an ONNX model with it."""
    model, config = _need(results.model), prepared.config
    if not onnx_file.is_onnx(model):
        return model, results
    with _step(f"Making a .tflite of {model.name}, of its weights and scales"):
        path = device_model.write(model, config, run_dir / config.quantization.export_dir)
    _log.info("for the device: %s, %d bytes", path, path.stat().st_size)
    clips = prepared.test or prepared.calibration
    if clips is None or "conversion" in results.parts:
        return path, results
    with _step(f"Comparing {path.name} on TensorFlow Lite with {model.name} on ONNX Runtime"):
        found = conversion.compare(model, path, prepared.store.load(clips), config)
    _log.info("conversion: %s", found)
    return path, results.with_part("conversion", found)


def _quantize(prepared: Prepared, run_dir: Path, results: Results) -> Results:
    config = prepared.config
    path = run_dir / config.quantization.export_dir / quantization.file_name(config)
    general = config.general.model_copy(update={"model_path": _need(results.model)})
    with _step("Quantizing"):
        made = quantization.make(config.model_copy(update={"general": general}), prepared.store)
        quantization.write(path, made.content)
    _log.info("quantized model: %s, %d bytes", path, path.stat().st_size)
    results = _compare_layers(prepared, results, path, made.twin)
    return replace(results, model=path).with_part("model", evaluation.describe(path))


def _compare_layers(
    prepared: Prepared, results: Results, quantized: Path, twin: bytes | None
) -> Results:
    """Measure each layer's noise on the run's own clips: those of the test, else of calibration."""
    clips = prepared.test or prepared.calibration
    if clips is None:
        return results
    model, config = _need(results.model), prepared.config
    patches = np.concatenate([clip.patches for clip in prepared.store.load(clips)])
    try:
        with _step("Comparing layers with the float model's"):
            found = layer_errors.measure(model, quantized, patches, config, twin)
    except ModelError as error:  # quantized as it was asked, but not so that layers can be told
        return results.without("noise of each layer", str(error))
    evens = not onnx_file.is_onnx(model)
    told = remedies.of(found["layers"], config.quantization, evens=evens)
    _log.info("most noise of their own: %s", ", ".join(told["worst"]))
    return results.with_part("quantization", {**found, **told})


def _benchmark(prepared: Prepared, run_dir: Path, results: Results) -> Results:
    model, config = _need(results.model), prepared.config
    if evaluation.is_quantized(model):
        described = results.with_part("model", evaluation.describe(model))
        return _on_board(prepared, run_dir, described, measure=True)
    with _step(f"Counting the operations of {model.name}"):
        found = evaluation.float_cost(model, config)
    _log.info("float model: %s", found)
    results = results.with_part("float_model", found)
    told = f"{model.name} is a float model, which the device does not run"
    if "q" in STEPS[config.operation_mode]:
        progress.notice(f"{told}: its operations are counted, the board is measured once quantized")
        return results
    progress.notice(
        f"{told}: it is measured quantized on random patches, which costs what it will cost "
        "quantized on real ones; its scores mean nothing"
    )
    path = run_dir / config.quantization.export_dir / "benchmarked_model"
    path = quantization.write_trial(quantization.load_float(model), config, path)
    return _on_board(prepared, run_dir, replace(results, model=path), measure=True)


def _deploy(prepared: Prepared, run_dir: Path, results: Results) -> Results:
    return _on_board(prepared, run_dir, results, measure=False)


def _on_board(prepared: Prepared, run_dir: Path, results: Results, *, measure: bool) -> Results:
    from paritone import device_run

    model = _need(results.model)
    prepared, results = _with_thresholds(prepared, model, run_dir, results)
    model, results = _for_device(prepared, run_dir, results)
    outcome = device_run.run(prepared, model, run_dir, _step, measure=measure)
    for name, part in outcome.parts.items():
        results = results.with_part(name, part)
        _log.info("%s: %s", name, part)
    if prepared.left_out is not None:
        results = results.without(prepared.board, prepared.left_out)
    if isinstance(outcome.problem, ToolMissingError):
        results = results.without(prepared.board, str(outcome.problem))
    return replace(results, problem=results.problem or outcome.problem)


def _predict(prepared: Prepared, run_dir: Path, results: Results) -> Results:
    model, on = _need(results.model), target(prepared.config)
    with _step(f"Predicting with {model.name}, {_PREDICTED.get(on, f'on {on}')}"):
        path = model if on == "host" else _for_device(prepared, run_dir, results)[0]
        found = prediction.predict(path, prepared.config)
    with _step("Writing predictions and time lines"):
        prediction.save(found, run_dir)
    _log.info("predictions: %s", found.summary())
    prediction.show(found)
    for clip, why in found.unreadable.items():
        progress.notice(why)
        _log.warning("left out: %s: %s", clip, why)
    results = replace(results, predicted=found).with_part("prediction", found.summary())
    results = results.with_part("model", evaluation.describe(model))
    if not found.unreadable:
        return results
    names = ", ".join(found.unreadable)
    total = len(found.unreadable) + len(found.clips)
    return replace(
        results,
        problem=AudioError(f"{len(found.unreadable)} of {total} clips have no prediction: {names}"),
    )


_PREDICTED = {"host": "float features", "native": "by the device's C on this machine"}


TABLE: dict[str, Step] = {
    "t": _train,
    "e": _evaluate,
    "q": _quantize,
    "p": _predict,
    "b": _benchmark,
    "d": _deploy,
}
"""What each letter of `paritone.config.STEPS` does."""


def _need(value: Any) -> Any:
    assert value is not None, "prepare() lets no run start without it"
    return value


@contextmanager
def _step(title: str) -> Iterator[None]:
    _log.info("%s", title)
    with progress.stage(title):
        yield


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Append the run's record, errors included, to a file."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False  # Hydra's console handler would repeat every line
    try:
        yield
    except ParitoneError as error:
        _log.error("%s", error)
        raise
    except Exception:
        _log.exception("internal error")
        raise
    finally:
        _log.removeHandler(handler)
        handler.close()
