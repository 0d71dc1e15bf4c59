"""Ten defects in copies of the firmware, each on an emulated board: `validate` names the stage."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from board_projects import Boards, Built
from paritone import boards as known_boards
from paritone import cli, sources
from paritone.boards.qemu import Emulator
from paritone.device import flash
from paritone.generate import generate

BOARD = "stm32f405"
BUILD_TIMEOUT_S = 300
Edit = tuple[str, Callable[[str], str]]

MODEL, FRONTEND = "generated/paritone_model.c", "generated/paritone_frontend.c"


def instead(old: str, new: str, times: int = 1) -> Callable[[str], str]:
    """The text with `old` replaced, which stands there so often."""

    def edit(text: str) -> str:
        assert text.count(old) == times, f"{old!r} stands there {text.count(old)} times"
        return text.replace(old, new)

    return edit


def entry(array: str, index: int, change: Callable[[int], int]) -> Callable[[str], str]:
    """The text with one entry of an array changed."""

    def edit(text: str) -> str:
        found = re.search(rf" {array}\[\d+\] = {{(.*?)}};", text, re.S)
        assert found is not None, array
        place = list(re.finditer(r"-?\d+", found[1]))[index]
        start, end = (found.start(1) + n for n in place.span())
        return text[:start] + str(change(int(place[0]))) + text[end:]

    return edit


@dataclass(frozen=True)
class Defect:
    """One defect.

    Attributes
    ----------
    stage : what the command's error must say, as a regular expression
    edits : files of the copy, and what becomes of their text
    first : part of the JSON and name of the stage there; None where nothing could be compared
    model : input of the model, "int8" or "float"
    """

    stage: str
    edits: tuple[Edit, ...] = ()
    first: tuple[str, str] | None = None
    model: str = "int8"


DEFECTS = {
    "a twiddle": Defect(
        "frontend, spectrum: ",
        ((FRONTEND, entry("fused_window", 200, lambda v: v ^ 1 << 29)),),
        ("frontend", "spectrum"),
    ),
    "a window entry": Defect(
        "frontend, window: ",
        ((FRONTEND, entry("fused_window", 194, lambda v: v ^ 1 << 28)),),
        ("frontend", "window"),
    ),
    "a mel weight": Defect(
        "frontend, mel: ",
        ((FRONTEND, entry("rise", 40, lambda v: v // 2)),),
        ("frontend", "mel"),
    ),
    "a log constant": Defect(
        "frontend, log: ",
        ((FRONTEND, entry("log_lines", 256, lambda v: v + 1000)),),
        ("frontend", "log"),
        "float",
    ),
    "a rounding shift in one layer": Defect(
        r"model, layer 1 \(DEPTHWISE_CONV_2D, ",
        ((MODEL, entry("layer_1_shift", 2, lambda v: v - 1)),),
        ("model", "layer 1 (DEPTHWISE_CONV_2D, "),
    ),
    "a swapped axis": Defect(
        "frontend, stream: .* axes are swapped",
        (
            (
                "firmware/src/frontend_patch.c",
                instead(
                    "    for (; count >= 4u; count -= 4u) {\n",
                    "    for (uint32_t i = 0; length != 0u && i < count * n; i++) {\n"
                    "        out[i] = rows[i];\n    }\n"
                    "    for (count = 0; count >= 4u; count -= 4u) {\n",
                ),
            ),
            (
                "firmware/src/frontend_patch.c",
                instead(
                    "(uint8_t *)patch + t, f->patch_length);",
                    "(uint8_t *)patch + (size_t)t * f->n_mels, f->patch_length);",
                ),
            ),
        ),
        ("frontend", "stream"),
    ),
    "a stale model": Defect("firmware for another model: expected [0-9a-f]{64}, it says "),
    "a wrong zero point": Defect(
        r"model, layer 3 \(FULLY_CONNECTED, ",
        ((MODEL, instead(".output_offset = -52,", ".output_offset = -51,")),),
        ("model", "layer 3 (FULLY_CONNECTED, "),
    ),
    "an off-by-one hop": Defect(
        "frontend, stream: .* its hop is 161 samples, the configuration's 160",
        ((FRONTEND, instead(".hop_length = 160u,", ".hop_length = 161u,", 2)),),
        ("frontend", "stream"),
    ),
    "a stuck UART byte": Defect(
        "gave up on the line to .* damaged on the way to the board",
        (
            (
                "firmware/board/stm32/usart_dr.h",
                instead(
                    "        serial_keep((uint8_t)USART_DR(base));\n",
                    "        const uint8_t byte = (uint8_t)USART_DR(base);\n"
                    "        serial_keep(byte == 0x11u ? 0x10u : byte);\n",
                ),
            ),
        ),
    ),
}


class Workshop:
    """A copy of the firmware's sources and of generated C; what a defect leaves alone stays built.

    The generated C is that of the last model that was asked for.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("firmware", "cmsis_dsp_ref"):
            shutil.copytree(sources.root() / name, folder / name)
        shutil.copy(sources.root() / "CMakeLists.txt", folder)
        (folder / "generated").mkdir()

    def image(self, generated: Path, edits: tuple[Edit, ...]) -> Path:
        """ELF of the firmware with `edits`, which are undone."""
        for path in generated.iterdir():
            self._write(f"generated/{path.name}", path.read_text())
        before: dict[str, str] = {}
        for name, edit in edits:
            text = (self._folder / name).read_text()
            before.setdefault(name, text)
            changed = edit(text)
            assert changed != text
            self._write(name, changed)
        try:
            return self._build()
        finally:
            for name, text in before.items():
                self._write(name, text)

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)

    def _build(self) -> Path:
        build, top = self._folder / "build", str(self._folder)
        if not build.exists():
            toolchain = f"{top}/firmware/board/arm-none-eabi.cmake"
            self._run(
                *["cmake", "-S", top, "-B", str(build), "-G", "Ninja", f"-DBOARD={BOARD}"],
                *[f"-DGENERATED={top}/generated", f"-DCMAKE_TOOLCHAIN_FILE={toolchain}"],
            )
        self._run("cmake", "--build", str(build), "--target", "firmware")
        return build / "firmware.elf"

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))


OVERRIDES = {
    "int8": [],
    "float": [
        "quantization.quantization_input_type=float",
        "quantization.quantization_output_type=float",
    ],
}


def stale(built: Built, folder: Path) -> Path:
    """C of a model like the project's, one weight of which is another."""
    content = bytearray(built.project.model.read_bytes())
    weights = np.array([26, -25, 83, 17, -47, 4], np.int8).tobytes()  # of layer 1
    content[content.index(weights)] ^= 1
    model = folder / "stale.tflite"
    model.write_bytes(content)
    generate(model, built.project.config, folder / "generated")
    return folder / "generated"


@pytest.mark.parametrize("name", DEFECTS)
def test_the_stage_is_named(
    boards: Boards,
    workshop: Workshop,
    tiny_config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    defect = DEFECTS[name]
    built = boards(BOARD, OVERRIDES[defect.model])
    right = built.project.folder / "generated"
    elf = workshop.image(stale(built, tmp_path) if name == "a stale model" else right, defect.edits)
    out = tmp_path / "found.json"
    arguments = [str(built.project.model), *OVERRIDES[defect.model], "--config", str(tiny_config)]
    arguments += ["--clips", "1", "--out", str(built.project.folder), "--json", str(out)]
    with Emulator(known_boards.get(BOARD)) as emulator:
        flash.flash(elf, emulator.gdb, flash.EMULATOR_RESET)
        with pytest.raises(SystemExit) as caught:
            cli.main(["validate", *arguments, "--board", BOARD, "--port", emulator.serial_url])
    said = capsys.readouterr().err
    assert caught.value.code == 1, said
    assert re.search(defect.stage, said), said
    if defect.first is None:
        assert not out.exists()
        return
    parity = json.loads(out.read_text())["parity"]
    part, stage = defect.first
    assert parity[part]["first"]["stage"].startswith(stage)
    # Nothing else is blamed: the other part agrees wherever it is given the same.
    other = {"frontend": "model", "model": "frontend"}[part]
    assert "first" not in parity[other]
