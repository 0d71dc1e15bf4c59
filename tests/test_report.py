"""report.html of a real run: held against summary.json, read by a parser and by Chromium."""

import base64
import io
import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from chromium import browser
from paritone import cli, pipeline
from paritone import config as configuration
from paritone.datasets import Clip
from paritone.errors import ToolMissingError
from paritone.evaluation.accuracy import measure
from paritone.report import comparison, html, training
from paritone.report.html import Card, Section, Table
from paritone.task import SingleLabel
from paritone.training import TrainedModel
from paritone.training import figures as curves

WIDTHS = (400, 1400)
WIDER = """
[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll') && !e.closest('pre')
  && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.tagName + '.' + e.className)
"""
SMALL = """
[...document.querySelectorAll('main *')].filter(e => e.innerText && !e.children.length
  && parseFloat(getComputedStyle(e).fontSize) < 12).map(e => e.tagName)
"""
BROKEN = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
SQUEEZED = """
[...document.images].filter(
  i => i.getBoundingClientRect().width < Math.min(320, i.naturalWidth, i.naturalWidth * .6)).length
"""


class Outline(HTMLParser):
    """Elements with their attributes, and all text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def _run(tiny_config, folder, *overrides):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", "--config-path", str(tiny_config.parent), *overrides])
    assert stopped.value.code == 0
    return folder


def _no_tools(name):
    raise ToolMissingError(f"{name} not found")


@pytest.fixture(scope="module")
def run_dir(tiny_config, tmp_path_factory):
    """A chain with every row, parity on the host, and a latency as a board gives it."""
    folder = tmp_path_factory.mktemp("report") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("paritone.boards.tool", _no_tools)
        _run(
            tiny_config,
            folder,
            "--host-only-ok",
            "operation_mode=chain_eqeb",
            "+general.project_name='<b>zoo</b>'",
            f"hydra.run.dir={folder}",
        )
    return folder


@pytest.fixture(scope="module")
def outline(run_dir):
    return Outline((run_dir / "report.html").read_text(encoding="utf-8"))


def test_it_asks_for_nothing_else(outline):
    """Every image is inlined and a PNG, no script, no style sheet, no address but in text."""
    from PIL import Image

    images = outline.of("img")
    assert len(images) > 10
    for attributes in images:
        kind, _, content = attributes["src"].partition("base64,")
        assert kind == "data:image/png;"
        picture = Image.open(io.BytesIO(base64.b64decode(content)))
        assert picture.size == (int(attributes["width"]), int(attributes["height"]))
        assert attributes["alt"]
    assert not outline.of("script")
    assert [link["href"] for link in outline.of("link")] == ["data:,"]
    for _, attributes in outline.tags:
        for key in ("src", "href"):
            assert attributes.get(key, "#").startswith(("data:", "#"))
    for target in outline.of("a"):
        assert target["href"][1:] in {section["id"] for section in outline.of("section")}


def test_it_shows_what_the_summary_holds(outline, run_dir):
    found = json.loads((run_dir / "summary.json").read_text())
    text = " ".join(outline.text)
    for kind, row in found["accuracy"].items():
        assert f"By class, {kind}" in text
        for value in (row["clip"], row["patch"]):
            assert f"{value:.2%}" in text
        assert f"{row['roc_auc']['clip']:.3f}" in text
        for metrics in row["per_class"].values():
            assert f"{metrics['f1']:.3f}" in text
    for row in found["parity"].values():
        assert f"{row.get('cells', row.get('values')):,}" in text
    assert found["model"]["sha256"] in text
    assert "not found" in text, "what was left out"
    assert "<b>zoo</b>" in text, "escaped, not markup"
    assert not outline.of("b")


def test_its_figures_are_files_too(outline, run_dir):
    shown = {attributes["alt"] for attributes in outline.of("img")}
    files = [path for path in run_dir.rglob("*.png") if ".hydra" not in path.parts]
    assert len(files) == len(outline.of("img"))
    contents = {base64.b64encode(path.read_bytes()).decode() for path in files}
    assert contents == {img["src"].partition("base64,")[2] for img in outline.of("img")}
    assert "arena: what lies where, from call to call" in shown
    assert {"F1 of each class", "ROC: means over the classes, and each class"} <= shown
    assert any("taken for" in caption for caption in shown)


def test_landmarks(outline):
    tags = [tag for tag, _ in outline.tags]
    for tag in ("header", "nav", "main", "footer", "h1", "title"):
        assert tags.count(tag) == 1
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in outline.of(
        "meta"
    )
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert set(ids) >= {
        *("summary", "classes", "confusion", "roc", "misclassified", "differences", "memory")
    }


def test_in_chromium(run_dir, tmp_path):
    """No request but the file itself, nothing on the console, readable at both widths."""
    report = run_dir / "report.html"
    with browser(tmp_path / "profile") as page:
        for width in WIDTHS:
            seen = page.open(report, width)
            others = [url for url in seen.requests if not url.startswith("data:")]
            assert others == [report.as_uri()]
            assert seen.console == []
            assert page.value("innerWidth") == width
            assert page.value("document.documentElement.scrollWidth") <= width
            assert page.value(WIDER) == []
            assert page.value(SMALL) == []
            assert page.value(BROKEN) == 0
            assert page.value(SQUEEZED) == 0
            assert page.value("document.images.length") > 10


def test_chromium_sees_a_page_that_is_not_self_contained(tmp_path):
    """The test above can fail: a request, a message and a wide element are found."""
    path = tmp_path / "bad.html"
    path.write_text(
        "<script>console.log('x')</script><img src='http://example.org/a.png'>"
        "<p style='width:900px;font-size:9px'>wide</p>"
    )
    with browser(tmp_path / "profile") as page:
        seen = page.open(path, 400)
        assert "http://example.org/a.png" in seen.requests
        assert seen.console
        assert page.value("document.documentElement.scrollWidth") > 400
        assert page.value(BROKEN) == 1


def test_the_same_run_gives_the_same_report(run_dir, tiny_config, monkeypatch):
    """Drawn again from what was found: the same bytes."""

    before = (run_dir / "report.html").read_bytes()
    config = configuration.load_file(
        tiny_config, ["operation_mode=chain_eqeb", "+general.project_name='<b>zoo</b>'"]
    )
    monkeypatch.setattr("paritone.boards.tool", _no_tools)
    again = run_dir.with_name("again")
    pipeline.run(pipeline.prepare(config, host_only=True), again)
    assert (again / html.NAME).read_bytes() == before


def test_a_copied_project_has_the_same_report(tiny_config, tmp_path, monkeypatch):
    """Paths are shown as from the working directory, hashes with them; others as they are."""
    written, pages = tiny_config.read_text().replace(f"{tiny_config.parent}/", ""), []
    for name in ("one", "two"):
        monkeypatch.chdir(shutil.copytree(tiny_config.parent, tmp_path / name))
        Path("user_config.yaml").write_text(written)
        config = configuration.load_file("user_config.yaml", ["operation_mode=evaluation"])
        pipeline.run(pipeline.prepare(config), Path("out"))
        pages.append(Path("out", html.NAME).read_text(encoding="utf-8"))
    assert pages[0] == pages[1]
    assert "model_path: tiny.h5" in pages[0]
    assert str(tmp_path) not in pages[0]


def test_areas_of_the_curves_are_those_of_scikit_learn():
    """Also with a silent clip, which has no scores, and a class without clips, without a curve."""
    rng = np.random.default_rng(3)
    names = ("a", "b", "c", "d")
    clips = [Clip(Path(f"{i}.wav"), (names[i % 3],)) for i in range(30)]
    scores = [rng.dirichlet(np.ones(4), 3).astype(np.float32) for _ in clips]
    silent = [np.array([False, i % 4 == 0, i == 7]) | (i == 9) for i in range(30)]
    accuracy = measure(scores, clips, SingleLabel(names), "integer", silent, 1.0)
    curves = comparison.of_classes(accuracy)
    assert list(curves) == ["a", "b", "c"]
    heard = [i for i in range(30) if i != 9]
    means = np.array([scores[i][~silent[i]].mean(axis=0, dtype=np.float64) for i in heard])
    for i, curve in enumerate(curves.values()):
        labels = [clip.labels == (names[i],) for j, clip in enumerate(clips) if j != 9]
        assert comparison.area(curve) == pytest.approx(roc_auc_score(labels, means[:, i]))
    mean = comparison.mean_curve(list(curves.values()))
    areas = [comparison.area(curve) for curve in curves.values()]
    assert comparison.area(mean) == pytest.approx(np.mean(areas))


def test_a_training_is_shown(tmp_path):
    """Its best epoch, its curves and the rates that were set beforehand."""
    history = {"loss": [1.5, 0.5, 0.25], "val_accuracy": [0.25, 0.75, 0.75]}
    trained = TrainedModel(tmp_path / "best_model.h5", history, "val_accuracy")
    assert trained.summary() == {
        "epochs": 3,
        "best_epoch": 2,
        "monitor": "val_accuracy",
        "metrics": {"loss": 0.5, "val_accuracy": 0.75},
    }
    curves.save_curves(history, tmp_path / curves.CURVES_NAME, trained.best_epoch)
    curves.save_learning_rate([0.1, 0.01], tmp_path / curves.RATE_NAME)
    shown = training.section(trained.summary(), tmp_path)
    assert {figure.file for figure in shown.figures} == {curves.CURVES_NAME, curves.RATE_NAME}
    text = " ".join(Outline(html.render("t", "", [shown])).text)
    assert "best epoch" in text
    assert "0.75" in text
    assert not training.section({}, tmp_path).figures, "what a run did not do is absent"


def test_latency_of_layers(tmp_path):
    from paritone.datasets.clips import ClipStore
    from paritone.report import page
    from zoo_config import make_config

    layers = [{"name": "a<", "kernel": "conv", "macs": 5000, "instructions": 7654}]
    record = {
        "operation_mode": "benchmarking",
        "latency": {
            "unit": "instructions",
            "inference": 7700,
            "frontend_per_frame": 19,
            "layers": layers,
        },
        "memory": {"flash_bytes": 2048},
    }
    config = make_config("benchmarking")
    material = page.Material(tmp_path, config, record, [], None, ClipStore(config), {}, None)
    outline = Outline(page.write(material).read_text())
    assert [img["alt"] for img in outline.of("img")] == ["instructions of each layer"]
    text = " ".join(outline.text)
    assert "7,654" in text
    assert "0 a<" in text
    assert "2.0 KiB" in text
    assert "Misclassified" not in text, "what a run did not do is absent"


def test_text_is_escaped_everywhere():
    nasty = "<script>alert(1)</script>\"'&"
    section = Section(
        "x",
        nasty,
        texts=[nasty],
        cards=[Card(nasty, nasty, nasty)],
        tables=[Table((nasty,), [(nasty,)], title=nasty)],
        blocks=[html.Block(nasty, nasty)],
    )
    outline = Outline(html.render(nasty, nasty, [section, Section("y", "empty")]))
    assert not outline.of("script")
    assert outline.text.count(nasty) == 14
    assert "empty" not in outline.text
