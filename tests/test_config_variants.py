"""The zoo's example files as users change them: other spellings, the same meaning."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from paritone import config as configuration
from paritone.config import STEPS, Config, records
from paritone.errors import ConfigError

ZOO = Path(__file__).resolve().parents[1] / "examples/zoo"
Rewrite = Callable[[str], str]


def backslashes(text: str) -> str:
    r"""Windows paths: `.\datasets\esc10/audio`, quoted and not."""
    text = re.sub(r"(audio_path: )(\S+)", lambda m: m[1] + m[2].replace("/", "\\"), text)
    return re.sub(r"(csv_path: )(\S+)", lambda m: f"{m[1]}'{m[2]}'".replace("/", "\\"), text)


def environment(text: str) -> str:
    return text.replace("examples/esc10", "${PARITONE_TEST_ESC10}")


def of_omegaconf(text: str) -> str:
    return text.replace("examples/esc10", "${oc.env:PARITONE_TEST_ESC10}")


def none_strings(text: str) -> str:
    text = text.replace("validation_audio_path: # Optional", "validation_audio_path: None")
    return text.replace("validation_csv_path:\n", "validation_csv_path: 'null'\n")


def without_optional_sections(text: str) -> str:
    record = yaml.safe_load(text)
    for name in ("mlflow", "tools", "hydra"):
        record.pop(name, None)
    return yaml.safe_dump(record, sort_keys=True)


def comments_after_values(text: str) -> str:
    return re.sub(r"^(\s+\w+: [^\s#][^#\n]*)$", r"\1   # a comment: with a colon", text, flags=re.M)


def blanks_before_colons(text: str) -> str:
    return re.sub(r"^(\s*\w+): ?(?=\S)", r"\1 :   ", text, flags=re.M)


def notepad(text: str) -> str:
    """A byte-order mark and Windows' ends of lines."""
    return "\ufeff" + text.replace("\n", "\r\n")


def expressions(text: str) -> str:
    changes = {
        "hop_length: 3200": "hop_length: 160*20",
        "n_fft: 512": "n_fft: 2**9",
        "overlap: 0.25": "overlap: 1/4",
        "fmin: 125": "fmin: '125'",
        "min_length: 1": "min_length: '1.0'",
        "power: 1.0": "power: 1",
        "learning_rate: 0.001": "learning_rate: 1e-3",
        "target_rate: 16000": "target_rate: 16e3",
    }
    for old, new in changes.items():
        text = re.sub(rf"\b{re.escape(old)}$", new, text, flags=re.M)
    return text


def spellings_of_truth(text: str) -> str:
    return text.replace(": True", ": 'true'").replace(": False", ": no")


def flow_and_quotes(text: str) -> str:
    """Sections in one line, names in double quotes or a list of one a line."""
    found = re.search(r"class_names: \[(.*)\]", text)
    assert found
    names = "".join(f"\n    - {name.strip()}" for name in found[1].replace("'", '"').split(","))
    text = text.replace(found[0], f"class_names:{names}")
    return re.sub(r"mlflow:\n  uri: (\S+)", r'mlflow: {"uri": "\1"}', text)


VARIANTS = (
    backslashes,
    environment,
    of_omegaconf,
    none_strings,
    without_optional_sections,
    comments_after_values,
    blanks_before_colons,
    notepad,
    expressions,
    spellings_of_truth,
    flow_and_quotes,
)


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Config]:
    """Load the text of a file in a folder that has what the examples name."""
    for name in ("esc10_dscnn.h5", "esc10/meta/calibration.csv", "esc10/meta/test.csv"):
        (tmp_path / "examples" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "examples" / name).touch()
    (tmp_path / "examples/esc10/audio").mkdir()
    (tmp_path / "quantized_models").mkdir()
    (tmp_path / "quantized_models/quantized_model.tflite").touch()
    monkeypatch.setenv("PARITONE_TEST_ESC10", "examples/esc10")
    monkeypatch.chdir(tmp_path)

    def load(text: str) -> Config:
        (tmp_path / "user_config.yaml").write_text(text, encoding="utf-8", newline="")
        return configuration.load(tmp_path)

    return load


@pytest.mark.parametrize("rewrite", VARIANTS, ids=lambda rewrite: rewrite.__name__)
def test_another_spelling_means_the_same(loaded: Callable[[str], Config], rewrite: Rewrite) -> None:
    """Three of the files that the variant changes, other ones for each variant."""
    texts = {mode: (ZOO / f"{mode}.yaml").read_text() for mode in STEPS}
    changed = [mode for mode, text in texts.items() if rewrite(text) != text]
    turn = VARIANTS.index(rewrite)
    for mode in [*changed[turn % len(changed) :], *changed][:3]:
        expected = loaded(texts[mode]).model_dump()
        found = loaded(rewrite(texts[mode])).model_dump()
        assert expected["operation_mode"] == mode
        if rewrite is without_optional_sections:
            expected |= {"mlflow": None, "tools": records.Tools().model_dump()}
        assert found == expected, mode


def test_of_missing_sections_the_required_one_is_named(loaded: Callable[[str], Config]) -> None:
    record = yaml.safe_load((ZOO / "training.yaml").read_text())
    for name in ("training", "data_augmentation"):
        del record[name]
    with pytest.raises(ConfigError, match=r"^section 'training' is required .*training, and"):
        loaded(yaml.safe_dump(record))
