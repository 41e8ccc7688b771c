"""Time one epoch of the OverviewLSTM here and in PyTorch.

    python benchmarks/lstm_vs_torch.py [FILMS] [--repeats 5] [--quick]

Prints one JSON line, or one sentence where PyTorch is absent:

- ``torch_packed_s``: median seconds of an epoch with `torch.nn.LSTM` on random batches, packed so that no padding is
  computed;
- ``torch_bucketed_s``: the same on batches of films of like length, from the function that makes ours, packed too;
- ``torch_padded_s``: on those batches, padded and not packed. It takes PyTorch's fused kernel, but computes something
  else, because it reads the padding as words;
- ``ours_s``: median seconds of an epoch here;
- ``ratio``, ``ratio_range``: the faster of packed and bucketed over ours, median of the pairs, smallest and largest;
- ``padded_ratio``, ``padded_ratio_range``: padded over ours.

All train the reference's network on the same films in turns, 64 a batch. Ours does more work: PyTorch's LSTM has no
recurrent dropout and no mask a gate, gets token numbers where ours gets strings, and measures no precision and
recall. FILMS is a table of films; without it, words are drawn. ``--quick`` trains on the first 30 words of 128 films.

PyTorch's threads spin while they wait for each other, which makes it several times slower where anything else runs.
``--quick`` lets them sleep (OMP_WAIT_POLICY=PASSIVE), and then two threads are hardly faster than one: its ratio
flatters ours. ``omp_wait_policy`` says which it was; a figure to publish needs a quiet machine and it not set.
"""

import argparse
import json
import os
import sys
from functools import partial
from importlib.metadata import version

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if "--quick" in sys.argv:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

try:
    import torch
except ImportError:
    sys.exit(print("PyTorch is absent, so there is nothing to compare with."))

import numpy as np
from machine import machine
from overviews import our_batches, our_model, read_overviews
from paired import comparison, in_turns
from plain_keras import BATCH
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_sequence

from multigenre.networks import epoch_batches, overview_lengths


class TorchLSTM(nn.Module):
    """The reference's overview network without recurrent dropout and without the last sigmoid."""

    def __init__(self, n_genres, packed):
        super().__init__()
        self.packed = packed
        self.embedding = nn.Embedding(10_000, 256, padding_idx=0)
        self.first = nn.LSTM(256, 256, batch_first=True, bidirectional=True)
        self.second = nn.LSTM(512, 128, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Sequential(nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.8), nn.Linear(128, n_genres))

    def forward(self, tokens, lengths):
        """Return logits of shape (n_films, n_genres) for padded token numbers, (n_films, n_tokens)."""
        x = self.embedding(tokens)
        if self.packed:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        x, _ = self.first(self._dropped(x))
        _, (last, _) = self.second(self._dropped(x))
        return self.head(torch.cat([last[0], last[1]], 1))

    def _dropped(self, x):
        return PackedSequence(self.dropout(x.data), *x[1:]) if self.packed else self.dropout(x)


def torch_epoch(model, optimizer, tokens, labels, batches):
    """Train on the batches that ``batches()`` gives, each the positions of its films."""
    criterion = nn.BCEWithLogitsLoss()
    model.train()
    for rows in batches():
        chosen = [tokens[row] for row in rows]
        lengths = torch.tensor([len(each) for each in chosen])
        optimizer.zero_grad()
        loss = criterion(model(pad_sequence(chosen, batch_first=True), lengths), labels[rows])
        loss.backward()
        optimizer.step()


def torch_program(words, overviews, labels, *, lengths=None, packed=True):
    """Return a function that trains PyTorch's network for an epoch, on random batches unless given lengths."""
    # An overview without words keeps one padding token, because nothing cannot be packed.
    tokens = [torch.from_numpy(row[: max(1, np.count_nonzero(row))]) for row in words(overviews).numpy()]
    model = TorchLSTM(labels.shape[1], packed)
    batches = partial(epoch_batches, len(labels), BATCH, np.random.default_rng(0), lengths)
    optimizer = torch.optim.Adam(model.parameters(), 1e-4, fused=True)
    return partial(torch_epoch, model, optimizer, tokens, torch.from_numpy(labels).float(), batches)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(os.cpu_count())
    overviews, labels = read_overviews(args.films)
    if args.quick:
        overviews = np.array([" ".join(overview.split()[:30]) for overview in overviews[:128]], object)
        labels, args.repeats = labels[:128], 3
    model = our_model(overviews, labels.shape[1])
    ours = partial(model.fit, our_batches(overviews, labels), epochs=1, verbose=0, shuffle=False)
    words, lengths = model.encoder.words, overview_lengths(overviews)
    programs = {
        "torch_packed_s": torch_program(words, overviews, labels),
        "torch_bucketed_s": torch_program(words, overviews, labels, lengths=lengths),
        "torch_padded_s": torch_program(words, overviews, labels, lengths=lengths, packed=False),
        "ours_s": ours,
    }
    in_turns(programs, 1)  # traces and warms up
    table = in_turns(programs, args.repeats)
    same = table[["torch_packed_s", "torch_bucketed_s"]].median()
    result, padded = comparison(table, same.idxmin()), comparison(table, "torch_padded_s")
    result |= {f"padded_{key}": padded[key] for key in ("ratio", "ratio_range")}
    policy = os.environ.get("OMP_WAIT_POLICY", "not set")
    result |= {"films": len(labels), "omp_wait_policy": policy, **machine()}
    result["versions"]["torch"] = version("torch")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
