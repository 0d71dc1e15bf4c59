"""Genuine CMSIS-DSP under the whole firmware: linked instead of ours, the same patches."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import cortex_m_emulator as emulator
from board_projects import noise
from frontend_cases import TUTORIAL
from paritone import boards, cli, device
from paritone.features import integer
from paritone.project import Project
from test_generate import dense_model
from zoo_config import PREPROCESSING, make_config

BOARD = "stm32f405"
SMALL = {**TUTORIAL, "n_mels": 20, "patch_length": 8, "include_last_patch": True}


def project(folder: Path, n_fft: int, cmsis_dsp: Path) -> Project:
    """A dense layer behind the tutorial's frontend, small; n_fft 512 and 1024 differ in radix."""
    features = {**SMALL, "n_fft": n_fft}
    config = make_config("benchmarking", preprocessing=PREPROCESSING, feature_extraction=features)
    model = folder / "model.tflite"
    model.write_bytes(dense_model(SMALL["n_mels"], SMALL["patch_length"]))
    return Project(config, model, boards.get(BOARD), folder / "out", cmsis_dsp)


def cmsis_tree(folder: Path, *, core: bool) -> Path:
    """CMSIS-DSP as its source distribution has it, or with CMSIS-Core beside it as in CMSIS 5."""
    (folder / "CMSIS/Core").mkdir(parents=True)
    (folder / "CMSIS/DSP").symlink_to(emulator.cmsis_dsp())
    if core:
        (folder / "CMSIS/Core/Include").symlink_to(emulator.HERE / "cmsis")
    return folder / "CMSIS/DSP"


def origin(map_file: Path, function: str) -> set[str]:
    """Archives that the linker took a function from."""
    lines = map_file.read_text().splitlines()
    found = set()
    for line, after in pairwise(lines):
        if line.strip().split(" ")[0] == f".text.{function}":
            address, _, member = (f"{line} {after}").split()[1:4]
            if int(address, 16) != 0:  # not one that was dropped
                found.add(Path(member.split("(")[0]).name)
    return found


@pytest.mark.parametrize(("n_fft", "core"), [(512, True), (1024, False)])
def test_the_firmware_on_genuine_cmsis_dsp(n_fft: int, core: bool, tmp_path: Path) -> None:
    built = project(tmp_path, n_fft, cmsis_tree(tmp_path, core=core))
    firmware, folder = built.build(), tmp_path / "out/firmware"
    for function in ("arm_rfft_q31", "arm_cfft_q31"):
        assert origin(folder / "firmware.map", function) == {"libgenuine_cmsis_dsp.a"}
    assert ("Core/Include" in (folder / "build.ninja").read_text()) == core
    pcm = noise(20000)
    with device.open(BOARD, firmware) as board:
        found = [patch.features for patch in board.stream(pcm, run=False)]
    assert np.array_equal(np.stack(found), integer.patches(pcm, built.tables()))


def test_another_folder_is_refused(
    tiny_config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["build", "--config", str(tiny_config), "--cmsis-dsp", str(tmp_path)])
    assert caught.value.code not in (None, 0)
    error = capsys.readouterr().err
    assert f"--cmsis-dsp {tmp_path} is not CMSIS-DSP: name the folder" in error
