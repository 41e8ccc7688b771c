import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigenre._checks import InputError
from multigenre.analysis import decades, modalities, overview_words, poster_look, poster_looks, quantile_bins
from multigenre.data import Films, make_films


def posters(*colours):
    """Posters of 8 x 6 pixels, each of one colour."""
    return np.array([np.full((8, 6, 3), colour) for colour in colours], np.uint8)


def test_length_and_what_is_missing_come_by_film_id():
    films = Films(["a", "b", "c", "d"], ["Two words", "", "One", ""], ["a.jpg", "b.jpg", "", ""])
    assert overview_words(films).tolist() == [2, pd.NA, 1, pd.NA]
    assert modalities(films).to_dict() == {"a": "both", "b": "no overview", "c": "no poster", "d": "neither"}


def test_a_decade_is_read_from_numbers_and_texts():
    years = pd.Series([1994, "2003", "1888-01-02", "(1920)", 2000.0, None, "12345", "n/a"], list("abcdefgh"))
    expected = ["1990s", "2000s", "1880s", "1920s", "2000s", None, None, None]
    assert [None if pd.isna(one) else one for one in decades(years)] == expected


def test_greys_have_no_colour_and_black_and_white_are_the_ends_of_brightness():
    look = poster_look(posters([0, 0, 0], [255, 255, 255], [128, 128, 128]), ["a", "b", "c"])
    assert look["brightness"].tolist() == pytest.approx([0, 1, 128 / 255], abs=1e-6)
    assert look["colourfulness"].tolist() == pytest.approx([0, 0, 0], abs=1e-4)


def test_colourfulness_is_worked_by_hand():
    # One colour: no spread, 0.3 times the distance of (rg, yb) = (100, 50) from grey.
    look = poster_look(posters([100, 0, 0]), ["a"])
    assert look.loc["a", "colourfulness"] == pytest.approx(0.3 * np.hypot(100, 50))


def test_colourfulness_is_that_of_a_loop_over_posters_and_chunks(monkeypatch):
    monkeypatch.setattr("multigenre.analysis._attributes.CHUNK", 2)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4, 3)).astype(np.uint8)
    look = poster_look(pixels, list("abcde"))
    for film, poster in zip(look.itertuples(), pixels.astype(float), strict=True):
        r, g, b = poster[..., 0], poster[..., 1], poster[..., 2]
        rg, yb = r - g, (r + g) / 2 - b
        expected = np.sqrt(rg.var() + yb.var()) + 0.3 * np.sqrt(rg.mean() ** 2 + yb.mean() ** 2)
        assert film.colourfulness == pytest.approx(expected, rel=1e-5)
        assert film.brightness == pytest.approx((0.2126 * r + 0.7152 * g + 0.0722 * b).mean() / 255, rel=1e-5)


def test_posters_of_another_kind_are_told():
    with pytest.raises(InputError, match=r"uint8 array of shape \(n_films, height, width, 3\), got float64"):
        poster_look(np.zeros((1, 2, 2, 3)), ["a"])
    with pytest.raises(InputError, match="got 2 posters and 1 ids"):
        poster_look(posters([0, 0, 0], [1, 1, 1]), ["a"])


def test_looks_of_many_files_are_those_of_each_and_a_file_that_cannot_be_read_has_none(tmp_path):
    made = make_films(5, folder=tmp_path).posters
    (tmp_path / "torn.jpg").write_bytes(b"no picture")
    posters = [*np.resize(made, 200), "", str(tmp_path / "torn.jpg"), *np.resize(made, 100)]
    ids, said = [f"tt{row}" for row in range(len(posters))], []
    films = Films(ids, [""] * len(ids), posters)
    looks = poster_looks(films, progress=lambda *what: said.append(what))
    assert looks.index.tolist() == ids and looks.index[looks.isna().any(axis=1)].tolist() == [
        "tt200",
        "tt201",
    ]
    alone = {path: poster_looks(Films(["a"], [""], [path])).to_numpy()[0] for path in made}
    for look, path in zip(looks.to_numpy(), posters, strict=True):
        assert path not in alone or (look == alone[path]).all()
    assert said[-1] == ("posters", len(ids), len(ids))


def test_no_poster_gives_an_empty_table():
    assert poster_look(np.zeros((0, 4, 4, 3), np.uint8), []).shape == (0, 2)


@given(st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=1, max_size=60), st.integers(1, 6))
def test_ranges_keep_the_order_and_every_known_film(values, bins):
    values = pd.Series(values, dtype=float)
    found = quantile_bins(values, bins)
    assert (found.isna() == values.isna()).all()
    known = values.notna()
    order = found.cat.codes[known].to_numpy()[np.argsort(values[known], kind="stable")]
    assert (np.diff(order) >= 0).all() and len(found.cat.categories) <= bins


def test_ranges_have_no_more_digits_than_tell_them_apart():
    brightness = pd.Series([0.05722, 0.2896, 0.28991, 0.4091, 0.41112, 0.59514, 0.59542, 0.9192])
    found = list(quantile_bins(brightness).cat.categories)
    assert found == ["0.06 to 0.29", "0.29 to 0.41", "0.41 to 0.6", "0.6 to 0.92"]
    years = pd.Series([1931, 1990, 1995, 1996.0])
    assert list(quantile_bins(years, 2).cat.categories) == ["1931 to 1990", "1995 to 1996"]
    close = pd.Series([1.001, 1.002, 1.003, 50.0])
    assert list(quantile_bins(close, 4).cat.categories) == ["1.001", "1.002", "1.003", "50"]
    assert list(quantile_bins(pd.Series([-0.001, 5.0]), 2).cat.categories) == ["0", "5"]


def test_ranges_hold_equal_numbers_and_are_named_by_their_ends():
    found = quantile_bins(pd.Series(range(8), name="words"), 4)
    assert found.value_counts().to_dict() == {"0 to 1": 2, "2 to 3": 2, "4 to 5": 2, "6 to 7": 2}
    assert found.name == "words" and quantile_bins(pd.Series([3, 3, 3])).unique().tolist() == ["3"]
    with pytest.raises(InputError, match="Ranges of words need at least one bin, got 0"):
        quantile_bins(pd.Series([1], name="words"), 0)
