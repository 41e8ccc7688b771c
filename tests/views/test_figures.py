import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from multigenre._checks import InputError
from multigenre.views import save_figure, training_curves
from multigenre.views._drawing import wrapped


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def line(axes, label):
    return next(line for line in axes.lines if line.get_label().startswith(label))


@pytest.fixture
def history():
    return pd.DataFrame(
        {
            "loss": [0.5, 0.3, 0.2],
            "precision": [0.2, 0.5, 0.6],
            "recall": [0.1, 0.2, 0.3],
            "val_loss": [0.45, 0.32104, 0.4],
            "val_precision": [0.3, 0.4, 0.5],
            "val_recall": [0.1, 0.15, 0.2],
            "learning_rate": [1e-4] * 3,
        },
        index=pd.RangeIndex(3, name="epoch"),
    )


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "poster-cnn": pd.array([0.2, 0.6, None], "Float64"),
            "overview-tfidf": pd.array([0.5, 0.7, None], "Float64"),
            "fused": pd.array([0.6, 0.65, None], "Float64"),
            "prevalence": [0.1, 0.4, 0.0],
            "support": [10, 40, 0],
        },
        index=["Horror", "Drama", "News"],
    )


def test_curves_show_training_beside_validation_by_epoch_from_one(history):
    for axes, name in zip(training_curves(history).axes, ["loss", "precision", "recall"], strict=True):
        training, validation = line(axes, "training"), line(axes, "validation")
        assert training.get_xdata().tolist() == validation.get_xdata().tolist() == [1, 2, 3]
        assert training.get_ydata().tolist() == history[name].tolist()
        assert validation.get_ydata().tolist() == history[f"val_{name}"].tolist()
        assert training.get_linestyle() != validation.get_linestyle()
        assert training.get_color() != validation.get_color()


def test_the_epoch_of_the_lowest_validation_loss_is_marked_and_named(history):
    figure = training_curves(history, title="poster-cnn")
    assert {"poster-cnn", "kept: epoch 2, lowest validation loss"} <= set(words(figure))
    assert {"0.3210 at epoch 2", "0.4000 at epoch 2", "0.1500 at epoch 2"} <= set(words(figure))
    assert [line(axes, "kept").get_xydata().tolist() for axes in figure.axes] == [
        [[2, 0.32104]],
        [[2, 0.4]],
        [[2, 0.15]],
    ]


def test_the_first_of_equally_good_epochs_is_the_kept_one(history):
    history["val_loss"] = [0.4, 0.3, 0.3]
    assert "0.3000 at epoch 2" in words(training_curves(history))


def test_without_validation_no_epoch_is_marked(history, tmp_path):
    for alone in (history[["loss", "precision", "recall"]].head(1), history.assign(val_loss=np.nan)):
        figure = training_curves(alone)
        save_figure(figure, tmp_path / "curves.png")
        assert "training" in words(figure)
        assert not any("kept" in text or "at epoch" in text for text in words(figure))


def test_curves_need_their_columns_and_an_epoch(history):
    with pytest.raises(InputError, match="but the table has no precision, recall"):
        training_curves(history[["loss"]])
    with pytest.raises(InputError, match="but the table has no epoch"):
        training_curves(history.head(0))


def test_figures_are_saved_as_png_at_150_dots_an_inch(tmp_path):
    save_figure(Figure(figsize=(2, 1)), tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as image:
        assert (image.format, image.size) == ("PNG", (300, 150))


def test_a_figure_that_cannot_be_drawn_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    class Broken(Figure):
        def savefig(self, path, **options):
            path.write_bytes(b"half")
            raise RuntimeError("full disk")

    (tmp_path / "figure.png").write_bytes(b"old")
    with pytest.raises(RuntimeError, match="full disk"):
        save_figure(Broken(), tmp_path / "figure.png")
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]
    assert (tmp_path / "figure.png").read_bytes() == b"old"


def test_only_png_is_written(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.png, got 'figure\.svg'"):
        save_figure(Figure(), tmp_path / "figure.svg")


def test_figures_load_neither_pyplot_nor_tensorflow():
    code = "import sys; from multigenre.views import training_curves"
    code += "; print({'matplotlib.pyplot', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


LONG = ["a word " * 50, "--a-hyphenated-" * 9, "W" * 200, "東" * 90, "one  two\n three", ""]


@pytest.mark.parametrize("text", LONG)
def test_wrapped_text_keeps_its_letters_up_to_the_ellipsis(text):
    whole = wrapped(text, 1, lines=10**6, size=8)
    short = wrapped(text, 1, lines=2, size=8)
    assert "".join(whole.split()) == "".join(text.split())
    assert short.count("\n") <= 1
    letters = "".join(short.split())
    assert short == whole or (short.endswith("…") and "".join(text.split()).startswith(letters[:-1]))


def test_a_long_name_breaks_after_a_hyphen():
    assert wrapped("poster-efficientnet-lite2", 1.3, lines=2, size=8) == "poster-efficientnet-\nlite2"
