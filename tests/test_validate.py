"""Validation: equal where it must be, and one flipped bit found and named where it lies."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from board_projects import GATE, Boards, hushed, with_defect
from paritone import cli, device, validate
from paritone.errors import CheckFailedError
from paritone.features.tables import FrontendTables
from paritone.validate import Validation, divergence

VARIANTS = {
    "stm32f405, int8": ("stm32f405", []),
    "mps2-an386, uint8": (
        "mps2-an386",
        [
            "quantization.quantization_input_type=uint8",
            "quantization.quantization_output_type=uint8",
            "+feature_extraction.include_last_patch=True",
            "feature_extraction.center=True",
            "+feature_extraction.pad_mode=reflect",
        ],
    ),
    "stm32f405, float": (
        "stm32f405",
        [
            "quantization.quantization_input_type=float",
            "quantization.quantization_output_type=float",
            "feature_extraction.power=2.0",
            "feature_extraction.center=True",
        ],
    ),
    # Another image: what is left out where flash counts must not be missed.
    "stm32f405, ram": ("stm32f405", ["++tools.stedgeai.optimization=ram"]),
    "mps2-an500": ("mps2-an500", []),
    "mps2-an505": ("mps2-an505", []),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_board_and_desk_are_equal(boards: Boards, variant: str) -> None:
    name, overrides = VARIANTS[variant]
    built = boards(name, overrides)
    project = built.project
    with device.open(name, built.firmware) as board:
        found = validate.validate(board, built.clips, project.tables(), project.model)
    found.require_equal()
    expected = sum(len(validate.integer.patches(pcm, project.tables())) for _, pcm in built.clips)
    assert found.frontend.patches == found.model.patches == expected >= 6
    assert found.frontend.values == expected * 20 * 16
    assert found.model.values == expected * 3
    assert found.frontend.between == ("integer", "native", name)
    assert found.model.between == ("tflite-reference", "native", name)
    assert [scores.shape[1] for scores in found.scores] == [3] * len(built.clips)
    # The clips do not all sound alike: something was compared.
    assert len(np.unique(np.concatenate(found.scores), axis=0)) > 3


def test_silent_patches_have_features_and_no_scores(boards: Boards) -> None:
    built = boards("stm32f405", GATE)
    tables = built.project.tables()
    clips = [("hushed", hushed()), ("silence", np.zeros(5000, np.int16))]
    silent = [validate.integer.patches_and_levels(pcm, tables)[2] for _, pcm in clips]
    with device.open("stm32f405", built.firmware) as board:
        found = validate.validate(board, clips, tables, built.project.model)
    found.require_equal()
    assert found.frontend.patches == sum(len(flags) for flags in silent)
    assert found.model.patches == sum(int((~flags).sum()) for flags in silent) >= 2
    assert silent[1].all()
    assert [len(scores) for scores in found.scores] == [int((~flags).sum()) for flags in silent]


def test_another_verdict_on_silence_is_an_error(boards: Boards, workshop: Path) -> None:
    """A threshold that is a thousand times too small on the board: no feature differs."""
    built = boards("stm32f405", GATE)
    file = "paritone_frontend.c"
    text = (built.project.folder / "generated" / file).read_text()
    gate = ".silence = UINT64_C(25600),"
    assert gate in text
    small = text.replace(gate, ".silence = UINT64_C(25),")
    firmware = with_defect(built, workshop, file, text, small)
    with (
        device.open("stm32f405", firmware) as board,
        pytest.raises(
            CheckFailedError, match=r"silence gate: first .* in hushed, patch \d+.* silence \(int"
        ) as caught,
    ):
        validate.validate(
            board, [("hushed", hushed())], built.project.tables(), built.project.model
        ).require_equal()
    assert "sound (stm32f405)" in str(caught.value)


def flipped(text: str, array: str, entry: int, bit: int) -> tuple[str, str]:
    """An array's definition in generated C, as it is and with one bit of one entry flipped."""
    definition = re.search(rf"static const \w+ {array}\[\d+\] = {{(.*?)}};", text, re.S)
    assert definition is not None
    place = list(re.finditer(r"-?\d+", definition[1]))[entry]
    start, end = (definition.start(1) + n for n in place.span())
    bits = 8 if "int8_t " + array in text else 32
    value = (int(place[0]) & (2**bits - 1)) ^ (1 << bit)
    signed = "uint" not in definition[0].split(array)[0]
    value -= 2**bits if signed and value >> (bits - 1) else 0
    first, last = definition.span()
    return text[first:last], text[first:start] + str(value) + text[end:last]


DEFECTS = {
    "one weight": ("paritone_model.c", "layer_0_weights", 3, 6, r"model, layer 0 \(PRODUCTS"),
    "one rounding multiplier": (
        "paritone_model.c", "layer_1_multiplier", 2, 29, r"model, layer 1 \(DEPTHWISE",
    ),
    "one rounding factor": (
        "paritone_model.c", "layer_0_factor", 1, 28, r"model, layer 0 \(PRODUCTS",
    ),
    "one code of the input": ("paritone_frontend.c", "codes", -1, 6, "frontend, input"),
}  # fmt: skip


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("defects")


@pytest.mark.parametrize("defect", DEFECTS)
def test_one_flipped_bit_is_named(boards: Boards, workshop: Path, defect: str) -> None:
    file, array, entry, bit, stage = DEFECTS[defect]
    built = boards("stm32f405")
    text = (built.project.folder / "generated" / file).read_text()
    if entry < 0:
        entry = used_cell(built.project.tables(), built.clips[0][1])
    firmware = with_defect(built, workshop, file, *flipped(text, array, entry, bit))
    found = validated(boards, firmware)
    # Only the part with the defect differs: scores are judged on the features of the board.
    assert (found.frontend.first is not None) == stage.startswith("frontend")
    assert (found.model.first is not None) == stage.startswith("model")
    with pytest.raises(CheckFailedError, match=stage) as caught:
        found.require_equal()
    assert caught.value.exit_status == 1
    assert built.clips[0][0] in str(caught.value)
    assert re.search(
        r"patch \d+.*, index \d+ \(.*\): -?[\d.]+ \(\w+\), -?[\d.]+ \(stm32f405\); [\d,]+ of",
        str(caught.value),
    )


def used_cell(tables: FrontendTables, pcm: np.ndarray) -> int:
    """A cell of the table of codes that the first frame reads: of its first band."""
    frame = validate.integer.frame_windows(pcm, tables)[:1]
    shift = tables.power * int(validate.integer.headroom(frame)[0])
    mel = int(validate.integer.trace(frame[0], tables)["mel"][0])
    total = max(mel + (tables.offset << shift), tables.floor << shift)
    octave = total.bit_length() - 1
    part = total << 64 >> (octave + 64 - tables.code_bits)  # a leading one, then the cell's bits
    return (octave - shift - tables.code_octave - 1 << tables.code_bits) + part


def validated(boards: Boards, firmware: object) -> Validation:
    built = boards("stm32f405")
    project = built.project
    with device.open("stm32f405", firmware) as board:  # type: ignore[arg-type]
        return validate.validate(board, built.clips[:1], project.tables(), project.model)


def test_a_defect_of_the_stream_is_not_blamed_on_a_stage(boards: Boards) -> None:
    """Columns in a wrong place: every frame is right, the patch is not."""
    built = boards("stm32f405")
    tables: FrontendTables = built.project.tables()
    name, pcm = built.clips[0]
    patch = validate.integer.patches(pcm, tables)[0]
    wrong = np.roll(patch, 1, axis=1)
    with device.open("stm32f405", built.firmware) as board:
        found = divergence.in_frontend(
            (name, pcm),
            0,
            patch,
            wrong,
            tables,
            divergence.board_trace(board, tables),
            ("integer", "stm32f405"),
        )
    assert (found.stage, found.patch) == ("stream", 0)
    assert found.expected != found.got


def test_another_number_of_patches_is_an_error(boards: Boards, workshop: Path) -> None:
    built = boards("stm32f405")
    file = "paritone_frontend.c"
    text = (built.project.folder / "generated" / file).read_text()
    board_s = re.search(r"paritone_frontend_fused = {.*?\.patch_step = \d+u", text, re.S)
    assert board_s is not None
    defect = re.sub(r"\d+u$", "3u", board_s[0])
    firmware = with_defect(built, workshop, file, board_s[0], defect)
    found = validated(boards, firmware)
    with pytest.raises(CheckFailedError, match=r"frontend, stream: .* patches on the host"):
        found.require_equal()


def test_the_command_writes_what_it_found(
    boards: Boards, tiny_config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built = boards("stm32f405")
    out = tmp_path / "found.json"
    arguments = [str(built.project.model), "--config", str(tiny_config), "--clips", "1"]
    arguments += ["--out", str(built.project.folder), "--json", str(out)]
    with pytest.raises(SystemExit) as caught:
        cli.main(["validate", *arguments])
    assert not caught.value.code
    parity = json.loads(out.read_text())["parity"]
    assert parity["frontend"]["mismatched"] == parity["model"]["mismatched"] == 0
    assert parity["frontend"]["between"] == ["integer", "native", "stm32f405"]
    assert "mismatched" in capsys.readouterr().out
