"""Embedders from KerasHub: vectors of overviews and posters by networks that others trained, kept as they are."""

import hashlib
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from multigenre._checks import InputError
from multigenre._signatures import Pathlike


def text_embedder(preset: str | Pathlike, *, tokens: int = 128, batch_size: int = 64) -> Callable[..., Any]:
    """Return an embedder of overviews, for `multigenre.members.EmbeddingMember`.

    A text's vector is the mean of its tokens' last states, scaled to length 1, as in sentence-transformers. Texts of
    about the same length share a batch, so that little is computed for padding.

    Parameters
    ----------
    preset : str or path
        A KerasHub preset such as ``"bert_small_en_uncased"``, a handle such as ``"hf://..."``, or a folder: one that
        KerasHub saved, or a Hugging Face model with its tokenizer.
    tokens : int
        Longer texts are cut; fewer where the network takes fewer.
    batch_size : int

    Returns
    -------
    callable
        From a sequence of n texts to vectors, float32 (n, d). Its ``name`` holds a digest of the weights, so that
        vectors and heads of another model are never taken for its own.

    Raises
    ------
    InputError
        If keras-hub is not installed, or there is no such preset or it is of no text encoder.

    References
    ----------
    Reimers, Gurevych (2019), "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", EMNLP.
    """
    hub, preset = _keras_hub(), str(preset)
    with _reading(preset, "a text encoder"):
        backbone = hub.models.Backbone.from_preset(preset)
        tokens = min(tokens, getattr(backbone, "max_sequence_length", tokens))
        prepare = hub.models.TextClassifierPreprocessor.from_preset(preset, sequence_length=tokens)

    def embed(texts):
        inputs = {name: np.asarray(values) for name, values in prepare(list(texts)).items()}
        lengths = inputs["padding_mask"].sum(axis=1)
        vectors, order = [], np.argsort(lengths, kind="stable")
        for rows in np.split(order, range(batch_size, len(order), batch_size)):
            batch = {name: values[rows, : lengths[rows[-1]]] for name, values in inputs.items()}
            states = backbone(batch, training=False)
            states = states["sequence_output"] if isinstance(states, dict) else states
            mask = batch["padding_mask"][..., None]
            means = (np.asarray(keras.ops.convert_to_numpy(states)) * mask).sum(axis=1) / mask.sum(axis=1)
            vectors.append(means / np.linalg.norm(means, axis=1, keepdims=True))
        return np.concatenate(vectors).astype(np.float32)[np.argsort(order)]

    embed.name = f"{_name(preset, backbone)}, {tokens} tokens"
    return embed


def image_embedder(preset: str | Pathlike, *, batch_size: int = 32) -> Callable[..., Any]:
    """Return an embedder of posters, for `multigenre.members.EmbeddingMember`.

    A poster's vector is the mean of the network's last states over the places of the picture.

    Parameters
    ----------
    preset : str or path
        A KerasHub preset such as ``"resnet_50_imagenet"``, a handle such as ``"hf://..."``, or a folder.
    batch_size : int

    Returns
    -------
    callable
        From posters, uint8 in 0..255 of shape (n, size, size, 3), to vectors, float32 (n, d). Its ``poster_size`` is
        the size that the network was trained on, 224 where the preset does not say; its ``name`` as of
        `text_embedder`.

    Raises
    ------
    InputError
        If keras-hub is not installed, or there is no such preset or it is of no image encoder.

    References
    ----------
    Kornblith, Shlens, Le (2019), "Do Better ImageNet Models Transfer Better?", CVPR.
    """
    hub, preset = _keras_hub(), str(preset)
    with _reading(preset, "an image encoder"):
        backbone = hub.models.Backbone.from_preset(preset)
        prepare = hub.layers.ImageConverter.from_preset(preset)

    def embed(posters):
        vectors = []
        for start in range(0, len(posters), batch_size):
            states = backbone(prepare(posters[start : start + batch_size]), training=False)
            states = np.asarray(keras.ops.convert_to_numpy(states))
            vectors.append(states.mean(axis=tuple(range(1, states.ndim - 1))))
        return np.concatenate(vectors).astype(np.float32)

    embed.poster_size = max(prepare.image_size or (224,))
    embed.name = _name(preset, backbone)
    return embed


def _keras_hub():
    """Return KerasHub, or say how to get it."""
    try:
        import keras_hub  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError(
            f"Pretrained embedders need keras-hub ({error}); install it: pip install 'multigenre[pretrained]'."
        ) from error
    return keras_hub


@contextmanager
def _reading(preset, wanted):
    """Name the preset when KerasHub cannot read it."""
    try:
        yield
    except (ValueError, OSError, ImportError, KeyError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{preset} cannot be read as {wanted} by KerasHub: {first}") from error


def _name(preset, backbone):
    """Return the last part of the preset's name and a digest of the weights."""
    digest = hashlib.blake2b(digest_size=4)
    for weights in backbone.get_weights():
        digest.update(np.ascontiguousarray(weights).data)
    return f"{Path(preset).name} ({digest.hexdigest()})"
