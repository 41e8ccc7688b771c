import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from multigenre._checks import InputError
from multigenre.views import save_figure
from multigenre.views._drawing import MARKS
from multigenre.views._figures import robustness_curves


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def scores_table(damages=("poster noise", "overview words"), contenders=("prevalence", "poster", "fused")):
    rows = [
        (damage, level, pd.NA if level == 0 else level / 10, contender, metric, 0.5 - 0.1 * level, place)
        for damage in damages
        for level in range(3)
        for place, contender in enumerate(contenders)
        for metric in ("bce", "map_macro")
    ]
    table = pd.DataFrame(
        rows, columns=["damage", "level", "setting", "contender", "metric", "value", "place"]
    )
    table.loc[(table["contender"] == "poster") & (table["level"] == 2), "value"] = np.nan
    return table.assign(low=table["value"] - 0.05, high=table["value"] + 0.02).astype({"setting": "Float64"})


def test_curves_have_a_panel_a_damage_and_a_line_a_contender(tmp_path):
    figure = robustness_curves(scores_table())
    assert isinstance(figure, Figure)
    assert [axes.get_title("left") for axes in figure.axes] == ["poster noise", "overview words"]
    for axes in figure.axes:
        lines = [container.lines[0] for container in axes.containers]
        assert [container.get_label() for container in axes.containers] == ["prevalence", "poster", "fused"]
        assert np.nan_to_num(lines[1].get_ydata()).tolist() == pytest.approx([0.5, 0.4, 0])
        assert len({(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines}) == 3
        assert [label.get_text() for label in axes.get_xticklabels()] == ["as is", "0.1", "0.2"]
        segment = axes.containers[2].lines[2][0].get_segments()[1]
        assert segment[:, 1].tolist() == pytest.approx([0.35, 0.42])
    assert "average precision, macro" in texts(figure)
    assert "first words kept" in texts(figure)
    save_figure(figure, tmp_path / "curves.png")


def test_panels_without_a_damage_are_left_out():
    figure = robustness_curves(
        scores_table(("poster noise", "poster blur", "poster dark", "poster crop")), metric="bce"
    )
    assert sum(axes.axison for axes in figure.axes) == 4 and len(figure.axes) == 6
    assert "binary cross-entropy (lower is better)" in texts(figure)


def test_curves_of_what_the_table_lacks_are_refused():
    with pytest.raises(InputError, match="The table has the metrics bce, map_macro, got 'f1_micro'"):
        robustness_curves(scores_table(), metric="f1_micro")
    names = [f"member {place}" for place in range(len(MARKS) + 1)]
    with pytest.raises(InputError, match="robustness_curves shows at most 6 members, got 7"):
        robustness_curves(scores_table(contenders=names))
