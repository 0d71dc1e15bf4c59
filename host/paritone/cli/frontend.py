"""Log-mel features: `features`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paritone.cli import app


@app.command()
def features(
    clips: Annotated[
        list[str],
        typer.Argument(metavar="CLIP... [KEY=VALUE]...", help="Audio files; Hydra's overrides."),
    ],
    config_file: Annotated[Path, typer.Option("--config", metavar="FILE", help="Configuration.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.npz", help="Where arrays go.")],
    backend: Annotated[
        str, typer.Option(metavar="float|integer|native|BOARD", help="What computes them.")
    ] = "native",
    model: Annotated[
        Path | None,
        typer.Option(metavar="MODEL.tflite", help="Its input; default: general.model_path."),
    ] = None,
    port: Annotated[
        str | None, typer.Option(metavar="PORT", help="Of a board; default: the emulated one.")
    ] = None,
) -> None:
    """Write the log-mel patches of clips by one implementation.

    One array a clip, named after it: (patches, n_mels, patch_length). Every backend is given the
    same int16 PCM of the preprocessed clip.
    """
    from paritone import config as configuration
    from paritone.errors import AudioError
    from paritone.extraction import extract, save

    overrides = [text for text in clips if "=" in text and not Path(text).exists()]
    paths = [Path(text) for text in clips if text not in overrides]
    if not paths:
        raise AudioError("no clip given: paritone features CLIP... --config FILE --out FILE.npz")
    config = configuration.load_sections(config_file, overrides)
    found = extract(paths, config, backend, model, port)
    save(out, found)
    patches = sum(len(array) for array in found.values())
    typer.echo(f"{out}: {patches} patches of {len(found)} clips, {backend}")
