import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from multigenre._checks import InputError
from multigenre.data import sigmoid
from multigenre.members import choose_C, fit_head


@pytest.fixture(scope="module")
def data():
    """200 films of 3 genres that show in 8 features, and a genre each that no and every film carries."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 8))
    labels = np.zeros((200, 5), np.uint8)
    labels[:, :3] = rng.random((200, 3)) < sigmoid(features @ rng.normal(size=(8, 3)) - 1)
    labels[:, 4] = 1
    return features, labels


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_heads_are_those_of_scikit_learn_genre_by_genre(data, kind):
    features, labels = data
    coefficients, intercept = fit_head(kind(features), labels, C=0.7)
    assert coefficients.shape == (5, 8) and intercept.shape == (5,)
    for genre in range(3):
        # Solvers of their own: the primal of liblinear, which penalises the intercept, and exact Newton steps.
        options = (
            {"solver": "newton-cholesky"} if kind is np.asarray else {"solver": "liblinear", "tol": 1e-8}
        )
        oracle = LogisticRegression(C=0.7, max_iter=5000, **options).fit(features, labels[:, genre])
        np.testing.assert_allclose(coefficients[genre], oracle.coef_[0], atol=5e-3)
        np.testing.assert_allclose(intercept[genre], oracle.intercept_[0], atol=5e-3)


def test_genres_that_no_or_every_film_carries_get_their_smoothed_prevalence(data):
    coefficients, intercept = fit_head(*data, C=1.0)
    assert not coefficients[3:].any()
    np.testing.assert_allclose(sigmoid(intercept[3:]), [0.5 / 201, 200.5 / 201])


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_the_C_chosen_has_the_lowest_cross_validated_loss(data, kind):
    features, labels = kind(data[0]), data[1]
    fold = np.arange(200) % 4
    chosen, table = choose_C(features, labels, [1.0, 0.001, 10.0], fold=fold)
    expected = []
    for C in table["C"]:
        values = np.zeros(labels.shape)
        for one in range(4):
            coefficients, intercept = fit_head(features[fold != one], labels[fold != one], C=C)
            values[fold == one] = sigmoid(features[fold == one] @ coefficients.T + intercept)
        expected.append(np.mean([log_loss(labels[:, g], values[:, g], labels=[0, 1]) for g in range(5)]))
    assert table["C"].tolist() == [0.001, 1.0, 10.0]
    np.testing.assert_allclose(table["bce"], expected, atol=1e-4)
    assert chosen == table["C"][table["bce"].idxmin()] == 1.0


def test_folds_in_which_a_genre_is_constant_can_be_chosen_on(data):
    features, labels = data[0], data[1].copy()
    labels[1:, 0] = 0
    labels[0, 0] = 1  # its one film is held out once, and never trained on then
    chosen, table = choose_C(features, labels, [0.1, 1.0], fold=np.arange(200) % 5)
    assert chosen in (0.1, 1.0) and np.isfinite(table["bce"]).all()


def test_the_same_films_give_the_same_numbers(data):
    for kind in (np.asarray, csr_array):
        first, second = (fit_head(kind(data[0]), data[1], C=1.0) for _ in range(2))
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])


def test_progress_counts_genres_and_fits(data):
    calls = []
    fit_head(*data, C=1.0, progress=lambda what, *call: calls.append(call))
    assert calls == [(done, 5) for done in range(1, 6)]
    calls.clear()
    choose_C(*data, [1.0], fold=np.arange(200) % 2, progress=lambda what, *call: calls.append(call))
    assert calls == [(done, 10) for done in range(1, 11)]


def test_what_cannot_be_used_is_named(data):
    features, labels = data
    with pytest.raises(InputError, match=r"C must be a finite number above 0, got 0.$"):
        fit_head(features, labels, C=0)
    with pytest.raises(InputError, match=r"above 0, got none.$"):
        choose_C(features, labels, [], fold=np.arange(200) % 2)
    with pytest.raises(InputError, match=r"of the same films, got \(199, 8\) and \(200, 5\).$"):
        fit_head(features[1:], labels, C=1.0)
    with pytest.raises(InputError, match="Labels must be 0 or 1, got 2"):
        fit_head(features, labels * 2, C=1.0)
    with pytest.raises(InputError, match=r"2 folds or more, got 1.$"):
        choose_C(features, labels, [1.0], fold=np.zeros(200))
    with pytest.raises(InputError, match=r"Folds must have shape \(200,\), got \(3,\)"):
        choose_C(features, labels, [1.0], fold=[0, 1, 2])
