"""A plan as C: const data in the runtime's structs, one layer a block, in order of execution."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.engine import params
from paritone.engine.lowering import Step
from paritone.engine.memory import NOWHERE, Place
from paritone.engine.plan import Plan
from paritone.engine.rows import Rows
from paritone.engine.schedule import MAX_ROWS
from paritone.engine.tflite import TensorInfo

FORMAT = 4
MAX_RANK = 4
MAX_INPUTS = 2

_ELEMENT_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
}


def model_c(plan: Plan, banner: str, name: str = "paritone") -> str:
    """Text of ``NAME_model.c``; it refers to no function, so it can be compiled alone."""
    inputs, outputs = plan.inputs, plan.outputs
    parts = [
        banner,
        '#include "paritone_kernels.h"\n',
        format_check(),
        _memory_comment(plan),
        *(_layer(plan, number) for number in range(len(plan.steps))),
        _steps(plan),
        _calls(plan),
        _tensors("inputs", inputs, plan),
        _tensors("outputs", outputs, plan),
        _model(plan, name),
    ]
    return "\n".join(parts)


def kernels_c(plan: Plan, banner: str, name: str = "paritone") -> str:
    """Text of ``NAME_kernels.c``: the table of the kernels that the model uses."""
    used = sorted({step.kernel for step in plan.steps})
    entries = [f"    [PARITONE_KERNEL_{k}] = paritone_{k.lower()}," for k in used]
    table = [f"const paritone_kernels_t {name}_kernels = {{{{", *entries, "}};"]
    includes = f'#include "{name}_generated.h"\n#include "paritone_kernels.h"\n'
    return "\n".join([banner, includes, *table, ""])


def format_check() -> str:
    """Preprocessor lines that stop a build with another version of the library."""
    return (
        f"#if PARITONE_FORMAT != {FORMAT}\n"
        f'#error "generated for PARITONE_FORMAT {FORMAT}: run paritone generate again"\n'
        "#endif\n"
    )


def section(title: str) -> str:
    """A comment line that opens a section."""
    return f"/* {'-' * (70 - len(title))} {title} -- */\n"


def comment_text(text: str) -> str:
    """`text` made safe for a C comment: printable ASCII that cannot close it."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in text)
    return plain.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")


def _shape(tensor: TensorInfo) -> str:
    return "x".join(map(str, tensor.shape)) or "1"


def _memory_comment(plan: Plan) -> str:
    weights, macs = f"{plan.weights_bytes:,}", f"{plan.macs:,}"
    return (
        f"/* {len(plan.steps)} layers, {macs} multiply-accumulates, {weights} bytes of weights,\n"
        f" * an arena of {plan.arena_bytes:,} bytes. */\n"
    )


def _layer(plan: Plan, number: int) -> str:
    step = plan.steps[number]
    prefix = f"layer_{number}"
    tables = [_table(f"{prefix}_{name}", data) for name, data in params.arrays(step.params)]
    struct = [
        f"static const {step.params.c_type} {prefix} = {{",
        *_members(step.params, prefix, 1),
        "};\n",
    ]
    return "\n".join([section(f"Layer {number}"), _describe(plan, step), *tables, *struct])


def _describe(plan: Plan, step: Step) -> str:
    tensors = plan.graph.tensors
    computed = [tensors[i] for i in step.inputs if tensors[i].data is None]
    sources = " + ".join(f"{_shape(t)} {t.dtype}" for t in computed)
    output = tensors[step.output]
    name = textwrap.shorten(comment_text(step.name), 80, placeholder=" ...")
    macs = f", {step.macs:,} MACs" if step.macs else ""
    return f"/* {step.kernel}: {name}\n * {sources} -> {_shape(output)} {output.dtype}{macs} */"


def _table(name: str, data: NDArray[Any]) -> str:
    element = _ELEMENT_TYPES[data.dtype.name]
    body = _wrapped(_integer(int(v)) for v in data.reshape(-1))
    return f"static const {element} {name}[{data.size}] = {{\n{body}\n}};"


def _integer(value: int) -> str:
    # -2147483648 is minus a constant that int cannot hold.
    return "INT32_MIN" if value == -(1 << 31) else str(value)


def _wrapped(values: Iterable[str]) -> str:
    """Values, comma after each, in lines of at most 96 columns."""
    lines: list[str] = []
    line = "   "
    for value in values:
        if len(line) + len(value) + 2 > 96:
            lines.append(line)
            line = "   "
        line += f" {value},"
    return "\n".join([*lines, line])


def _members(record: params.Params, prefix: str, depth: int) -> list[str]:
    indent = "    " * depth
    lines: list[str] = []
    for item in fields(record):  # type: ignore[arg-type]
        value = getattr(record, item.name)
        if isinstance(value, params.Params):
            lines += [f"{indent}.{item.name} = {{", *_members(value, prefix, depth + 1)]
            lines.append(f"{indent}}},")
        else:
            lines.append(f"{indent}.{item.name} = {_value(value, f'{prefix}_{item.name}')},")
    return lines


def _value(value: Any, name: str) -> str:
    """One initializer; a table appears as its name."""
    if isinstance(value, np.ndarray):
        return name
    if value is None:
        return "NULL"
    if isinstance(value, tuple):
        entries = [_value(v, f"{name}_{i}") for i, v in enumerate(value)]
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, float):
        return float_literal(value)
    return _integer(value) if isinstance(value, int) else str(value)


def float_literal(value: float) -> str:
    """Shortest C literal that gives `value`, a float32, back."""
    text = repr(float(np.float32(value)))
    shortest = np.format_float_scientific(np.float32(value), unique=True, trim="0")
    return f"{min(text, shortest, key=len)}F"


def _steps(plan: Plan) -> str:
    if not plan.steps:  # nothing but views of the inputs
        return ""
    lines = [section("Order of execution"), "static const paritone_step_t steps[] = {"]
    for number, step in enumerate(plan.steps):
        rows = Rows.of(plan.tensor(number))
        inputs = [_place(plan.places.get(i, NOWHERE)) for i in step.inputs]
        inputs += [_place(NOWHERE)] * (MAX_INPUTS - len(inputs))
        lines.append(
            f"    {{PARITONE_KERNEL_{step.kernel}, {rows.height}, &layer_{number}, "
            f"{{{', '.join(inputs)}}}, {_place(plan.places[step.output])}, "
            f"{plan.scratch[number]}, {rows.bytes}}},"
        )
    return "\n".join([*lines, "};\n"])


def _place(place: Place) -> str:
    return f"{{{place.offset}, {place.rows}}}"


def _calls(plan: Plan) -> str:
    if not plan.calls:
        return ""
    calls = (
        f"{{{c.first_row}, {c.step * (MAX_ROWS + 1) + (0 if c.end == height else c.rows)}}}"
        for c in plan.calls
        for height in [Rows.of(plan.tensor(c.step)).height]
    )
    return f"static const paritone_call_t calls[] = {{\n{_wrapped(calls)}\n}};\n"


def _tensors(name: str, tensors: Sequence[TensorInfo], plan: Plan) -> str:
    lines = [f"static const paritone_tensor_t {name}[] = {{"]
    for t in tensors:
        shape = ", ".join(map(str, [*t.shape, *[1] * (MAX_RANK - len(t.shape))]))
        offset = plan.places[t.index].offset
        lines.append(
            f"    {{{params.enum_name(t.dtype)}, {len(t.shape)}, {{{shape}}}, "
            f"{float_literal(t.scale)}, {t.zero_point}, {offset}, {t.nbytes}}},"
        )
    return "\n".join([*lines, "};\n"])


def _model(plan: Plan, name: str) -> str:
    digest = bytes.fromhex(plan.graph.sha256)
    return f"""\
extern const paritone_model_t {name}_model;
const paritone_model_t {name}_model = {{
    .format = PARITONE_FORMAT,
    .arena_bytes = {plan.arena_bytes},
    .arena_align = {plan.arena_align},
    .n_steps = {len(plan.steps)},
    .steps = {"steps" if plan.steps else "NULL"},
    .n_calls = {len(plan.calls)},
    .calls = {"calls" if plan.calls else "NULL"},
    .n_inputs = {len(plan.inputs)},
    .inputs = inputs,
    .n_outputs = {len(plan.outputs)},
    .outputs = outputs,
    .sha256 = {{
{textwrap.indent(_wrapped(f"0x{b:02x}" for b in digest), "    ")}
    }},
}};
"""
