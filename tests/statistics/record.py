#!/usr/bin/env python3
"""Statistics of tensors, as numpy computes them in float64: writes recorded.txt.

A line each: `set NAME rows width bits…` (binary32, hexadecimal, row by row), then for some numbers of channels
`channel CHANNELS INDEX count min max mean abs_mean variance unbiased Q(0.025) Q(0.975) mean∓3σ low high`,
`bins` and ten counts."""
import os

import numpy as np

random = np.random.default_rng(2)
QUANTILE, SIGMA, BINS = 0.975, 3, 10


def normal(rows, width, mean=0, deviation=1):
    return random.normal(mean, deviation, (rows, width)).astype(np.float32)


outliers = normal(200, 3)
outliers[17, 1] = 1e30
outliers[190, 2] = -2e25
first = normal(200, 2)
first[0] = 1e20  # sums are first taken around the first value
sets = {
    "normal": (normal(300, 6), (1, 2, 3, 6)),
    "offset": (normal(1100, 3, 1e6, 0.25), (1, 3)),
    "relu": (np.maximum(normal(300, 4), 0), (1, 4)),
    "grid": (np.round(normal(300, 4) * 16) / np.float32(16), (1, 2)),
    "outliers": (outliers, (1, 3)),
    "first": (first, (1, 2)),
    "wide": (normal(9, 70, -3), (1, 2, 70)),
    "wider": (normal(3, 1500, 10, 3), (1, 20)),
    "one": (np.array([[2.5]], np.float32), (1,)),
    "two": (np.array([[-1], [3]], np.float32), (1,)),
    "constant": (np.full((40, 3), -7, np.float32), (1, 3)),
    "zeros": (np.array([[0, -0.0]] * 5, np.float32), (1, 2)),
    "tiny": (normal(50, 2, 0, 1e-42), (1, 2)),
    "long": (normal(2500, 1, 5, 2), (1,)),
}


def statistics(x):
    x = x.astype(np.float64)
    unbiased = x.var(ddof=1) if x.size > 1 else np.nan
    reach = SIGMA * np.sqrt(unbiased)
    counts, edges = np.histogram(x, BINS)
    numbers = [x.min() + 0, x.max() + 0, x.mean(), abs(x).mean(), x.var(), unbiased, np.quantile(x, 1 - QUANTILE) + 0,
               np.quantile(x, QUANTILE) + 0, x.mean() - reach, x.mean() + reach, edges[0], edges[-1]]
    return [str(x.size)] + ["%.17g" % v for v in numbers] + ["bins"] + [str(c) for c in counts]


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "recorded.txt"), "w") as out:
    for name, (x, channels) in sets.items():
        print("set", name, *x.shape, *("%08x" % v for v in x.view(np.uint32).ravel()), file=out)
        for count in channels:
            parts = x.reshape(len(x), count, -1)
            for i in range(count):
                print("channel", count, i, *statistics(parts[:, i]), file=out)
