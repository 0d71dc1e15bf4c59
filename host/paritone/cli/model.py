"""One quantized model: `generate` its C, show `parity` with TensorFlow Lite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from paritone.cli import app, findings
from paritone.cli.findings import JsonFile

if TYPE_CHECKING:
    from paritone.config import Config
    from paritone.parity import Comparison

Model = Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="Quantized model.")]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Hydra's overrides.", show_default=False),
]


@app.command()
def generate(
    model: Model,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the C files.")],
    overrides: Overrides = None,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Configuration; without: the model alone."),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Begins symbols and files.")
    ] = "paritone",
    frontend: Annotated[
        bool, typer.Option("--frontend/--no-frontend", help="The model alone, of any inputs.")
    ] = True,
    json_file: JsonFile = None,
) -> None:
    """Write the C for one model and one frontend: const data and a manifest."""
    from dataclasses import asdict

    from paritone import config as configuration
    from paritone.engine import memory_map
    from paritone.errors import ConfigError
    from paritone.generate import generate as write

    if config_file is None and overrides:
        raise ConfigError("KEY=VALUE changes a configuration: give one with --config")
    given = (
        None if config_file is None else configuration.load_sections(config_file, overrides or [])
    )
    record = write(model, given, out, name=name, frontend=frontend)
    typer.echo(
        f"{out}: {len(record.layers)} layers, {record.macs:,} MACs, "
        f"{record.weights_bytes:,} B of weights, {record.arena_bytes:,} B of arena"
    )
    memory_map.show(record.memory, record.arena_bytes, record.optimization, len(record.calls))
    findings.write(json_file, asdict(record))


@app.command()
def parity(
    model: Model,
    overrides: Overrides = None,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Adds patches of its test clips."),
    ] = None,
    random: Annotated[
        int, typer.Option(min=0, help="Random patches; as many real ones at most.")
    ] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random patches.")] = 0,
    inputs: Annotated[
        Path | None, typer.Option(metavar="FILE.npy", help="Patches instead of random ones.")
    ] = None,
    on: Annotated[str, typer.Option("--on", metavar="native|BOARD", help="What runs.")] = "native",
    port: Annotated[
        str | None, typer.Option(metavar="PORT", help="The board's; anything pyserial opens.")
    ] = None,
    layers: Annotated[bool, typer.Option("--layers", help="Compare every layer.")] = False,
    json_file: JsonFile = None,
) -> None:
    """Compare the engine with TensorFlow Lite's reference kernels, bit for bit."""
    from paritone import config as configuration
    from paritone import parity as checks
    from paritone.errors import ConfigError
    from paritone.native.engine import Engine

    config = None
    if config_file is not None:
        config = configuration.load_sections(config_file, overrides or [])
    elif overrides:
        raise ConfigError(f"{overrides[0]}: overrides need --config FILE")
    engine = Engine(model, config.optimization) if config is not None else Engine(model)
    content = model.read_bytes()
    groups = _patches(engine.plan, config, random, seed, inputs)
    found: list[tuple[str, Comparison]] = []
    for kind, patches in groups.items():
        found += [(kind, c) for c in checks.compare(engine, content, patches, kind)]
        if layers:
            found.append((f"{kind}, layers", checks.compare_layers(engine, content, patches)))
    if on != "native":
        found += _on_board(on, port, engine, model, config, groups, layers=layers)
    _report(found, engine.plan, json_file)


def _patches(
    plan: Any, config: Config | None, random: int, seed: int, inputs: Path | None
) -> dict[str, list[Any]]:
    """Patches to compare on, by where they come from."""
    from paritone import parity as checks
    from paritone.errors import ModelError

    source = plan.inputs[0]
    groups: dict[str, list[Any]] = {}
    if inputs is not None:
        groups[inputs.name] = checks.file_patches(inputs, source)
    else:
        groups["random"] = checks.random_patches(source, random, seed)
    if config is not None:
        groups["real"] = checks.real_patches(plan, config, random)
    groups = {kind: patches for kind, patches in groups.items() if patches}
    if not groups:
        raise ModelError("nothing to compare on: give --random N, --inputs FILE or --config FILE")
    return groups


def _on_board(
    board: str,
    port: str | None,
    engine: Any,
    model: Path,
    config: Config | None,
    groups: dict[str, list[Any]],
    *,
    layers: bool,
) -> list[tuple[str, Comparison]]:
    """The board's firmware, built for this model, against the native engine."""
    import tempfile

    from paritone import boards, build, device
    from paritone import parity as checks
    from paritone.errors import ConfigError

    if config is None:
        raise ConfigError(f"--on {board}: the firmware holds a frontend too, give --config FILE")
    with tempfile.TemporaryDirectory(prefix="paritone-") as folder:
        firmware = build.prepare(model, config, boards.get(board), Path(folder))
        with device.open(board, firmware, port) as opened:
            found = []
            for kind, patches in groups.items():
                scores = checks.compare_runs(board, opened.scores, engine, patches)
                found.append((kind, scores))
                if layers:
                    each = checks.compare_board_layers(board, opened, engine, patches)
                    found.append((f"{kind}, layers", each))
            return found


def _report(found: list[tuple[str, Comparison]], plan: Any, json_file: Path | None) -> None:
    """Table, JSON and the exit status."""
    from rich.console import Console
    from rich.table import Table

    from paritone.errors import CheckFailedError

    table = Table("patches", "between", "count", "values", "mismatched", "first")
    for kind, c in found:
        first = str(c.first) if c.first else "-"
        if c.disputed:
            first += f" ({c.disputed} on which the references differ)"
        numbers = (f"{c.patches:,}", f"{c.values:,}", f"{c.mismatched:,}")
        table.add_row(kind, " / ".join(c.between), *numbers, first)
    Console().print(table)
    record = {
        "schema": 1,
        "model": {
            "sha256": plan.graph.sha256,
            "macs": plan.macs,
            "weights_bytes": plan.weights_bytes,
            "arena_bytes": plan.arena_bytes,
            "input": {"dtype": plan.inputs[0].dtype, "shape": list(plan.inputs[0].shape)},
        },
        "parity": [{"inputs": kind, **c.record()} for kind, c in found],
    }
    findings.write(json_file, record)
    bad = [c for _, c in found if c.mismatched]
    if bad:
        raise CheckFailedError(
            f"{bad[0].mismatched} of {bad[0].values} values differ between "
            f"{' and '.join(bad[0].between)}; first at {bad[0].first}"
        )
