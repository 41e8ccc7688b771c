import numpy as np
import pytest

from multigenre._checks import InputError
from multigenre.analysis._places import PosterMaps


def test_maps_are_found_by_the_genre_s_name():
    values = np.arange(16.0).reshape(2, 2, 2, 2)
    maps = PosterMaps(["tt1", "tt2"], ["Comedy", "War"], values, "net")
    assert (maps.of("War") == values[:, 1]).all()
    with pytest.raises(InputError, match="'Horror' is not one of the 2 genres"):
        maps.of("Horror")


def test_coarser_maps_are_sums_and_films_without_a_poster_stay_unknown():
    values = np.arange(32.0).reshape(2, 1, 4, 4)
    values[1] = np.nan
    maps = PosterMaps(["tt1", "tt2"], ["War"], values, "net").coarse(2)
    assert maps.of("War")[0].tolist() == [
        [0 + 1 + 4 + 5, 2 + 3 + 6 + 7],
        [8 + 9 + 12 + 13, 10 + 11 + 14 + 15],
    ]
    assert np.isnan(maps.of("War")[1]).all() and maps.values.shape == (2, 1, 2, 2)
    with pytest.raises(
        InputError, match="Maps of 4 places a side have no 3 equal cells; give a divisor of 4"
    ):
        PosterMaps(["tt1", "tt2"], ["War"], values, "net").coarse(3)


def test_maps_of_other_films_or_genres_are_refused():
    with pytest.raises(
        InputError, match=r"Heat maps of net must have shape \(1, 1, 2, 2\), got \(1, 2, 2, 2\)"
    ):
        PosterMaps(["tt1"], ["War"], np.zeros((1, 2, 2, 2)), "net")
