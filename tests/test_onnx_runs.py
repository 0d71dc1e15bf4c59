"""ONNX through the command line: evaluated, quantized, to C and onto a board, or one line."""

import json

import numpy as np
import pytest

import onnx_models
from paritone import cli
from zoo_config import write_wav


@pytest.fixture
def project(tiny_config, tmp_path, monkeypatch):
    """A run of the tiny project in an empty working directory; returns its exit status."""
    monkeypatch.chdir(tmp_path)

    def start(*overrides, command="run"):
        words = [command, "--config-path", str(tiny_config.parent), "hydra.run.dir=run"]
        with pytest.raises(SystemExit) as stopped:
            cli.main([*words, *map(str, overrides)])
        return stopped.value.code

    return start


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "float.onnx"
    path.write_bytes(onnx_models.channels_first())
    return path


def _summary(tmp_path):
    return json.loads((tmp_path / "run/summary.json").read_text())


QUANTIZER = "+quantization.quantizer=onnx_quantizer"


def test_a_float_onnx_model_to_the_board_and_back_in(project, model, tmp_path):
    """Every step of chain_eqeb; then what it left is evaluated and predicts by the board's C."""
    assert project("operation_mode=chain_eqeb", QUANTIZER, f"general.model_path={model}") == 0
    found = _summary(tmp_path)
    assert list(found["accuracy"]) == ["float", "int8", "device", "streaming"]
    assert found["model"]["input"] == {"dtype": "float32", "shape": [1, 20, 16, 1]}
    compared = found["conversion"]
    assert compared["between"] == ["onnxruntime", "tflite-reference"]
    assert compared["values"] == 3 * compared["patches"] > 0
    assert compared["same_class"] >= 0.95 * compared["patches"]
    assert compared["most_steps"] <= 4
    parity = found["parity"]["model"]
    assert (parity["mismatched"], parity["between"][-1]) == (0, "stm32f405")
    layers = found["quantization"]["layers"]
    assert [layer["name"] for layer in layers] == ["conv1", "pool", "fc", "softmax"]
    assert all(layer["snr_db"] > 20 for layer in layers)
    assert "SNR, dB" in (tmp_path / "run/report.html").read_text()
    made = sorted(path.name for path in (tmp_path / "run/quantized_models").iterdir())
    assert made == ["quantized_model.onnx", "quantized_model.tflite"]
    quantized = tmp_path / "quantized.onnx"
    quantized.write_bytes((tmp_path / "run/quantized_models/quantized_model.onnx").read_bytes())
    again = found["accuracy"]
    assert project("operation_mode=evaluation", f"general.model_path={quantized}") == 0
    found = _summary(tmp_path)
    assert {kind: row["clip"] for kind, row in found["accuracy"].items()} == {
        kind: row["clip"] for kind, row in again.items() if kind != "float"
    }
    folder = tmp_path / "predict"
    folder.mkdir()
    write_wav(folder / "clip.wav", np.random.default_rng(2).normal(0, 0.1, 16000))
    status = project(
        "operation_mode=prediction",
        f"general.model_path={quantized}",
        f"+prediction={{test_files_path: {folder}, target: native}}",
    )
    assert status == 0
    assert _summary(tmp_path)["prediction"]["clips"] == 1


def test_a_float_model_is_measured_quantized_on_random_patches(project, model, tmp_path, capfd):
    """What it will cost, from the float file alone."""
    assert project("operation_mode=benchmarking", f"general.model_path={model}") == 0
    assert "quantized on random patches" in " ".join(capfd.readouterr().err.split())
    found = _summary(tmp_path)
    counted = found["float_model"]
    assert counted["weights_bytes"] == 4 * counted["parameters"] > 0
    assert counted["macs"] == sum(layer["macs"] for layer in found["latency"]["layers"]) > 0
    assert found["latency"]["inference"] > counted["macs"] / 4
    assert found["parity"]["model"]["mismatched"] == 0
    assert "accuracy" not in found


def test_what_does_not_fit_is_one_line_and_leaves_nothing(project, model, tmp_path, capfd):
    cases = {
        "takes Keras models; for float.onnx write onnx_quantizer": (
            "operation_mode=quantization",
            f"general.model_path={model}",
        ),
        "float.onnx: not a quantized model": (
            "operation_mode=deployment",
            f"general.model_path={model}",
        ),
        "the model has none; it has": (
            "operation_mode=quantization",
            QUANTIZER,
            f"general.model_path={model}",
            "+quantization.op_types_to_quantize=[Convolution]",
        ),
        "quantization.extra_options: expected options among": (
            "operation_mode=quantization",
            QUANTIZER,
            "+quantization.extra_options={Symmetric: True}",
        ),
    }
    for expected, overrides in cases.items():
        assert project(*overrides) == 2
        err = capfd.readouterr().err
        assert expected in err
        assert "Traceback" not in err
        assert not (tmp_path / "run/quantized_models").exists()
