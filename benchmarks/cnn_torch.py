"""The PosterCNN in PyTorch, for `cnn_step.py`, which starts this in a process of its own.

    python benchmarks/cnn_torch.py LAYOUT BATCH GENRES LEARNING_RATE

LAYOUT is ``contiguous_format`` (channels first) or ``channels_last``. Prints the network's number of weights; then, for
each number of steps that it reads, the seconds that one of so many training steps took.
"""

import sys

import numpy as np
import torch
from paired import seconds
from torch import nn

from multigenre._threads import cores
from multigenre.networks import PosterDesign

REFERENCE = PosterDesign()


def network(n_genres):
    """Return the reference's network without the last sigmoid."""

    def convolution(channels, filters, stride=1):
        return [nn.Conv2d(channels, filters, 3, stride, 1), nn.ReLU()]

    first, *rest = REFERENCE.filters
    layers = [*convolution(3, first, 2), nn.Dropout(REFERENCE.dropout)]
    for channels, filters in zip(REFERENCE.filters, rest, strict=False):
        layers += [*convolution(channels, filters), *convolution(filters, filters)]
        layers += [nn.Dropout(REFERENCE.dropout), nn.MaxPool2d(2)]
    side = REFERENCE.size // 2 ** len(REFERENCE.filters)
    widths = [rest[-1] * side**2, *REFERENCE.dense]
    layers.append(nn.Flatten())
    for width, units in zip(widths, REFERENCE.dense, strict=False):
        layers += [nn.Linear(width, units), nn.ReLU(), nn.Dropout(REFERENCE.dense_dropout)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], n_genres))


def main(layout, batch, n_genres, learning_rate):
    torch.set_num_threads(cores())
    layout, batch, n_genres = getattr(torch, layout), int(batch), int(n_genres)
    model = network(n_genres).to(memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), float(learning_rate), fused=True)
    criterion = nn.BCEWithLogitsLoss()
    rng = np.random.default_rng(0)
    posters = torch.from_numpy(rng.integers(0, 256, (batch, 3, REFERENCE.size, REFERENCE.size), np.uint8))
    posters = posters.contiguous(memory_format=layout)
    labels = torch.from_numpy((rng.random((batch, n_genres)) < 0.1).astype(np.float32))

    def train(steps):
        for _ in range(steps):
            optimizer.zero_grad()
            loss = criterion(model(posters.float()), labels)
            loss.backward()
            optimizer.step()
            loss.item()

    print(sum(weights.numel() for weights in model.parameters()), flush=True)
    for line in sys.stdin:
        print(seconds(train, int(line)) / int(line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
