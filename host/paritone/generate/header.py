"""``NAME_generated.h``: what an application needs to know of a model and its frontend."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from paritone.engine import params
from paritone.engine.lowering import Step
from paritone.engine.plan import Plan
from paritone.engine.tflite import TensorInfo
from paritone.errors import ConfigError
from paritone.generate.model import comment_text, float_literal, format_check, section

if TYPE_CHECKING:
    from paritone.features.tables import FrontendTables

NAME = "paritone"


def check_name(name: str) -> None:
    """ConfigError unless `name` can begin C's identifiers and files."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name):
        raise ConfigError(
            f"the name {name!r} cannot begin C's names: small letters, digits and _, at most 31"
        )


def header(
    plan: Plan, tables: FrontendTables | None, banner: str, name: str = NAME, declared: str = ""
) -> str:
    """Text of the header; without `tables` it is about the model alone.

    Parameters
    ----------
    declared : further declarations of generated data
    """
    guard = f"{name.upper()}_GENERATED_H"
    return "\n".join(
        [
            banner,
            f"#ifndef {guard}",
            f"#define {guard}\n",
            '#include "paritone.h"\n',
            format_check(),
            section("Model: buffers of the caller"),
            *_defines(name, _model(plan)),
            "",
            *_ends(plan, name),
            *_frontend(tables, plan, name),
            section("Generated data"),
            f"extern const paritone_model_t {name}_model;",
            f"extern const paritone_kernels_t {name}_kernels;\n",
            *([declared] if declared else []),
            "#endif\n",
        ]
    )


def _defines(name: str, values: dict[str, Any]) -> Iterable[str]:
    return (f"#define {name.upper()}_{key} {value}" for key, value in values.items())


def _model(plan: Plan) -> dict[str, Any]:
    output = plan.outputs[0]
    return {
        "ARENA_BYTES": plan.arena_bytes,
        "ARENA_ALIGN": plan.arena_align,
        "INPUT_BYTES": plan.inputs[0].nbytes,
        "OUTPUT_BYTES": output.nbytes,
        "OUTPUT_COUNT": output.size,
        "N_STEPS": len(plan.steps),
        "ROUNDS_TWICE": int(any(map(_rounds_twice, plan.steps))),
    }


def _rounds_twice(step: Step) -> bool:
    """Whether packed products need the code of that: where flash counts, it is left out."""
    return isinstance(step.params, params.Products) and step.params.addend is None


# ------------------------------------------------------------------ Inputs and outputs


def _ends(plan: Plan, name: str) -> Iterable[str]:
    """Each input and output by its number: what paritone_model_input and _output point to."""
    yield section("Inputs and outputs: real value = SCALE * (stored - ZERO_POINT)")
    for kind, tensors in (("INPUT", plan.inputs), ("OUTPUT", plan.outputs)):
        yield f"#define {name.upper()}_N_{kind}S {len(tensors)}\n"
        for number, tensor in enumerate(tensors):
            yield from _tensor(f"{kind}_{number}", tensor, name)
            yield ""


def _tensor(label: str, tensor: TensorInfo, name: str) -> Iterable[str]:
    shape = " x ".join(map(str, tensor.shape)) or "one value"
    text = comment_text(tensor.name)
    yield f"/* {text}: {tensor.dtype}, {shape} */"
    yield from _defines(
        name,
        {
            f"{label}_DTYPE": params.enum_name(tensor.dtype),
            f"{label}_COUNT": tensor.size,
            f"{label}_BYTES": tensor.nbytes,
            f"{label}_SCALE": float_literal(tensor.scale),
            f"{label}_ZERO_POINT": f"({tensor.zero_point})",
        },
    )


# ------------------------------------------------------------------ Frontend


def _frontend(tables: FrontendTables | None, plan: Plan, name: str) -> Iterable[str]:
    if tables is None:
        return
    patch_bytes = plan.inputs[0].nbytes
    yield section("Frontend: buffers of the caller, and the PCM it takes")
    yield from _defines(
        name,
        {
            "SAMPLE_RATE_HZ": tables.rate_hz,
            "N_FFT": tables.n_fft,
            "WINDOW_LENGTH": tables.window_length,
            "HOP_LENGTH": tables.hop_length,
            "N_MELS": tables.n_mels,
            "PATCH_LENGTH": tables.patch_length,
            "PATCH_BYTES": patch_bytes,
            "COLUMN_BYTES": patch_bytes // tables.patch_length,
        },
    )
    yield ""
    yield from _chosen(tables, name)
    yield ""


def _chosen(tables: FrontendTables, name: str) -> list[str]:
    """``NAME_FRONTEND`` and its memory: the fused one on cores that are fast at it."""
    from paritone.generate.frontend_fused import fused_bytes, has_fused

    plain = _choice(name, "frontend", tables.scratch_bytes, tables.stream_bytes)
    if not has_fused(tables):
        return plain
    own = fused_bytes(tables)
    fused = _choice(name, "frontend_fused", tables.scratch_with(own), tables.stream_with(own))
    condition = "#if defined(__ARM_FEATURE_DSP) && !defined(PARITONE_PLAIN_FRONTEND)"
    return [condition, *fused, "#else", *plain, "#endif"]


def _choice(name: str, symbol: str, scratch_bytes: int, stream_bytes: int) -> list[str]:
    return [
        f"extern const paritone_frontend_t {name}_{symbol};",
        f"#define {name.upper()}_FRONTEND {name}_{symbol}",
        f"#define {name.upper()}_SCRATCH_BYTES {scratch_bytes}",
        f"#define {name.upper()}_STREAM_BYTES {stream_bytes}",
    ]
