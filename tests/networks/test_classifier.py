import keras
import numpy as np

from multigenre.data import Genres
from multigenre.networks._classifier import GenreClassifier


def test_any_encoder_gets_a_sigmoid_head_with_named_columns():
    inputs = keras.Input((5,))
    encoder = keras.Model(inputs, keras.layers.Dense(4)(inputs))
    model = GenreClassifier(encoder, ["Novel", "Poetry", "Essay"], seed=0)
    probabilities = model(np.ones((2, 5), np.float32)).numpy()
    assert model.genres == Genres(["Novel", "Poetry", "Essay"])
    assert probabilities.shape == (2, 3) and (probabilities > 0).all() and (probabilities < 1).all()
    assert model.encoder is encoder
