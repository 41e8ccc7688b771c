"""What several seeds say."""

import statistics


def mean_and_sd(values):
    """Return the mean, and the standard deviation over seeds; None where there is one seed."""
    return [statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None]
