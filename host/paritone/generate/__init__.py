"""A quantized model and a configuration -> C: const data only, for the runtime in ``firmware/``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paritone import __version__, datasets
from paritone import task as tasks
from paritone.engine import memory_map
from paritone.engine import plan as planner
from paritone.engine.plan import Plan
from paritone.engine.tflite import TensorInfo
from paritone.errors import ConfigError, ModelError
from paritone.generate import classes, manifest
from paritone.generate.header import NAME, check_name, header
from paritone.generate.manifest import Manifest
from paritone.generate.model import FORMAT, kernels_c, model_c
from paritone.task import MultiLabel

if TYPE_CHECKING:
    from paritone.config import Config
    from paritone.features.tables import FrontendTables


def generate(
    model_path: Path | str,
    config: Config | None,
    out_dir: Path | str,
    *,
    name: str = NAME,
    frontend: bool = True,
) -> Manifest:
    """Write the C for one model and one frontend, or for a model alone, to `out_dir`.

    Parameters
    ----------
    model_path
        a ``.tflite`` model; with a frontend, of one n_mels x patch_length input and one output
    config
        its ``feature_extraction`` and ``preprocessing.target_rate`` are read; None: no frontend
    out_dir
        gets ``paritone_model.c``, ``paritone_frontend.c``, ``paritone_kernels.c``,
        ``paritone_generated.h`` and ``manifest.json``; nothing is written on an error
    name
        begins the files' names and the symbols in place of ``paritone``, so that several models
        fit into one program: ``NAME_model``, ``NAME_ARENA_BYTES``
    frontend
        False: the model alone, of any inputs and outputs

    Raises
    ------
    ModelError, ConfigError
    """
    from paritone.generate.frontend import frontend_c

    check_name(name)
    point = planner.DEFAULT if config is None else config.optimization
    plan = planner.of_file(model_path, point)
    tables = frontend_tables(plan, config) if frontend and config is not None else None
    config_hash = None if tables is None or config is None else _config_hash(config)
    several = _several_labels(plan, config) if frontend else None
    record = _manifest(plan, tables, config_hash, several)
    banner, output = _banner(record), plan.outputs[0]
    declared = "" if several is None else classes.declaration(several, output, name)
    defined = "" if several is None else "\n" + classes.definition(several, output, name)
    texts = {
        f"{name}_generated.h": header(plan, tables, banner, name, declared),
        f"{name}_model.c": model_c(plan, banner, name) + defined,
        f"{name}_kernels.c": kernels_c(plan, banner, name),
        manifest.FILE_NAME if name == NAME else f"{name}_{manifest.FILE_NAME}": record.text(),
    }
    if tables is not None:
        texts[f"{name}_frontend.c"] = frontend_c(tables, name)
    manifest.write_all(Path(out_dir), texts)
    return record


def frontend_tables(plan: Plan, config: Config) -> FrontendTables:
    """The frontend's tables for the model's input; the model must fit the configuration."""
    from paritone.features.tables import InputFormat, make_tables

    features, preprocessing = config.feature_extraction, config.preprocessing
    if features is None or preprocessing is None:
        raise ConfigError("sections feature_extraction and preprocessing are needed here")
    if len(plan.inputs) != 1 or len(plan.outputs) != 1:
        raise ModelError(
            f"the model has {len(plan.inputs)} inputs and {len(plan.outputs)} outputs, "
            "a frontend serves one of each: generate the model alone (--no-frontend)"
        )
    check_input(plan.inputs[0], features.n_mels, features.patch_length)
    source = plan.inputs[0]
    wanted = InputFormat(source.dtype, source.scale, source.zero_point)
    return make_tables(features, preprocessing.target_rate, wanted, config.silence_threshold)


def check_input(source: TensorInfo, n_mels: int, patch_length: int) -> None:
    """ModelError unless `source` is n_mels x patch_length, one channel or none."""
    if source.shape not in ((1, n_mels, patch_length, 1), (1, n_mels, patch_length)):
        raise ModelError(
            f"the model's input has shape {source.shape}, the configuration makes patches of "
            f"(1, {n_mels}, {patch_length}, 1): n_mels x patch_length"
        )


def _several_labels(plan: Plan, config: Config | None) -> MultiLabel | None:
    """Classes and thresholds where a clip has several labels; None: it has one, or none is told.

    Raises
    ------
    ModelError
        The model's outputs are not that many.
    """
    if config is None or not config.dataset.multi_label:
        return None
    task = tasks.multi_label(datasets.class_names(config), config.class_thresholds)
    if len(plan.outputs) != 1 or plan.outputs[0].size != len(task.names):
        raise ModelError(
            f"the model has {', '.join(str(one.size) for one in plan.outputs)} outputs, the data "
            f"set has {len(task.names)} classes (dataset.class_names)"
        )
    return task


def _config_hash(config: Config) -> str:
    """Hash of what the generated files depend on: no path, so that every machine agrees."""
    assert config.feature_extraction is not None
    assert config.preprocessing is not None
    used: dict[str, Any] = {
        "feature_extraction": config.feature_extraction.model_dump(mode="json"),
        "target_rate": config.preprocessing.target_rate,
        "silence_threshold": config.silence_threshold,
    }
    if config.dataset.multi_label:
        used["class_thresholds"] = config.class_thresholds
    return hashlib.sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()


def _manifest(
    plan: Plan, tables: FrontendTables | None, config_hash: str | None, several: MultiLabel | None
) -> Manifest:
    from paritone.generate.frontend_fused import simd_stream_bytes

    source, output = plan.inputs[0], plan.outputs[0]
    return Manifest(
        generator=f"paritone {__version__}",
        format=FORMAT,
        configuration_sha256=config_hash,
        model_sha256=plan.graph.sha256,
        frontend_sha256=None if tables is None else tables.sha256,
        input=manifest.tensor(source),
        output=manifest.tensor(output),
        inputs=tuple(manifest.tensor(t) for t in plan.inputs),
        outputs=tuple(manifest.tensor(t) for t in plan.outputs),
        macs=plan.macs,
        weights_bytes=plan.weights_bytes,
        arena_bytes=plan.arena_bytes,
        input_bytes=source.nbytes,
        output_bytes=output.nbytes,
        patch_bytes=0 if tables is None else source.nbytes,
        stream_bytes=0 if tables is None else simd_stream_bytes(tables),
        layers=manifest.layers(plan),
        calls=manifest.calls(plan),
        optimization=plan.optimization,
        memory=tuple(memory_map.regions(plan)),
        class_thresholds=None if several is None else several.by_name(),
    )


def _banner(record: Manifest) -> str:
    configuration = record.configuration_sha256
    used = "no configuration" if configuration is None else f"configuration {configuration[:16]}"
    return (
        f"/* Generated by {record.generator}, format {record.format}, {used},\n"
        f" * model {record.model_sha256[:16]}. Do not edit. */\n"
    )
