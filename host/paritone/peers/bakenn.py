"""bakenn, which generates C from a .tflite file and brings CMSIS-NN: ``pip install bakenn``."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

from paritone import quiet
from paritone.boards import tool
from paritone.build import sizes
from paritone.cycles import run
from paritone.cycles.profile import Cost
from paritone.errors import ModelError, ToolMissingError
from paritone.peers import Peer

NAME = "bakenn"
HERE = Path(__file__).parent
CORE = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
FLAGS = ("-std=gnu11", "-O3", "-ffunction-sections", "-fdata-sections")
DEFINITIONS = ("-DBAKENN_CMSIS_NN_BUILTIN_MEMORY",)
LAYERS = (
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "ADD",
    "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
    "RESHAPE",
)
"""Operators that it may take; TRANSPOSE, MEAN, QUANTIZE and this project's SOFTMAX it refuses."""
TIMEOUT_S = 300


def installed() -> bool:
    """Whether there is one to run."""
    return importlib.util.find_spec(NAME) is not None


def measure(model: Path, folder: Path) -> Peer:
    """Run the longest part of a quantized model that bakenn may take.

    Parameters
    ----------
    folder : for what is generated and built

    Raises
    ------
    ModelError
        It has no such part, or bakenn refuses it: in its own words.
    """
    from paritone.engine import plan, tflite

    source = folder / "part.tflite"
    source.write_bytes(longest_part(model.read_bytes()))
    _generate(source, folder / "c")
    elf = _build(folder / "c", folder)
    segments = run.run_marked(elf, ("bknn_net_infer", "peer_end"))
    network = segments[1]
    graph = tflite.read(source)
    return Peer(
        f"{NAME} {version(NAME)} with the CMSIS-NN it brings, gcc -O3",
        tuple(op.kind for op in graph.ops),
        plan.plan(graph).macs,
        Cost(network.instructions, network.cycles),
        sizes(elf)[0],
        _size(folder / "c", "ARENA"),
    )


def longest_part(model: bytes) -> bytes:
    """The longest run of operators in `LAYERS`, each fed by the one before or an earlier one."""
    quiet.import_tensorflow()
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    whole = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    graph = whole.subgraphs[0]
    takes = {getattr(schema.BuiltinOperator, name) for name in LAYERS}

    def taken(operator: Any) -> bool:
        code = whole.operatorCodes[operator.opcodeIndex]
        return max(code.builtinCode, code.deprecatedBuiltinCode) in takes

    parts = [list(part) for known, part in groupby(graph.operators, taken) if known]
    if not parts:
        raise ModelError(f"{NAME} takes none of this model's layers")
    graph.operators = max(parts, key=len)
    graph.inputs = [int(graph.operators[0].inputs[0])]
    graph.outputs = [int(graph.operators[-1].outputs[0])]
    for tensor in graph.tensors:
        tensor.shapeSignature = None
    whole.signatureDefs = whole.metadata = None
    builder = flatbuffers.Builder(len(model))
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _generate(source: Path, folder: Path) -> None:
    bakenn: Any = importlib.import_module(NAME)
    options = bakenn.CBackendOptions(
        kernel_policy=bakenn.KernelPolicy.AUTO, enable_cmsis_nn=True, target=bakenn.CORTEX_M4
    )
    try:
        bakenn.compile_tflite(source, folder, name="net", backend_options=options)
    except bakenn.BakeNNError as error:
        raise ModelError(f"{NAME} refuses this model: {error}") from error


def _size(folder: Path, what: str) -> int:
    found = re.search(rf"BKNN_NET_{what}_SIZE (\d+)u", (folder / "bknn_net.h").read_text())
    if found is None:
        raise ModelError(f"{NAME}'s header does not say the size of its {what.lower()}")
    return int(found[1])


def _build(generated: Path, folder: Path) -> Path:
    names = ("INPUT", "OUTPUT", "ARENA")
    lines = [f"#define PEER_{name}_BYTES {max(1, _size(generated, name))}" for name in names]
    lines += [
        '#include "bknn_net.h"',
        "#define peer_run(in, out, arena) bknn_net_infer(arena, in, out)",
    ]
    (folder / "peer.h").write_text("\n".join(lines) + "\n")
    includes = [folder, generated, *generated.glob("third_party/*/Include")]
    flags = [*CORE, *FLAGS, *DEFINITIONS, *(f"-I{path}" for path in includes)]
    sources = [HERE / "program.c", *sorted(generated.rglob("*.c"))]
    compiler = tool("arm-none-eabi-gcc")

    def compiled(source: Path) -> str:
        out = folder / f"{source.stem}.o"
        _call([compiler, *flags, "-c", str(source), "-o", str(out)])
        return str(out)

    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compiled, sources))
    elf = folder / "peer.elf"
    layout = ["-nostartfiles", "-specs=nano.specs", "-Wl,--gc-sections", f"-T{HERE / 'link.ld'}"]
    _call([compiler, *CORE, *layout, *objects, "-o", str(elf)])
    return elf


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise ToolMissingError(f"{' '.join(command)} failed:\n{done.stderr.strip()[-2000:]}")
