"""TensorBoard logs of a search's trials."""

import pandas as pd
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams


def write_tensorboard(place, logs, values, measures):
    """Write a trial's curves, hyperparameters and measures as TensorBoard reads them.

    Parameters
    ----------
    place : path
        Of the trial; its ``seed-*/*.history.csv`` are curves.
    logs : path
        A folder a run goes there.
    values : dict of str to str, bool or number
        Hyperparameters.
    measures : dict of str to float
    """
    with tf.summary.create_file_writer(str(logs)).as_default():
        hparams.hparams(dict(values), trial_id=place.name)
        for name, value in measures.items():
            tf.summary.scalar(name, value, step=0)
    for path in sorted(place.glob("seed-*/*.history.csv")):
        run = f"{path.parent.name}-{path.name.removesuffix('.history.csv')}"
        with tf.summary.create_file_writer(str(logs / run)).as_default():
            for epoch, row in pd.read_csv(path, index_col="epoch").iterrows():
                for name, value in row.items():
                    tf.summary.scalar(name, value, step=int(epoch))
