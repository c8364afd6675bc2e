"""Records what Optuna finds on standard test functions: pip install optuna; python3 record.py > recorded.txt

A line is: sampler, function, trials, then quartiles over seeds 0 to 19 of the best value (of NSGA-II: of the hypervolume
of the front with the reference point (1.1, 11)).
"""

import math
import sys

import numpy
import optuna

SEEDS = 20
REFERENCE = (1.1, 11.0)


def branin(x):
    a = x[1] - 5.1 / (4 * math.pi**2) * x[0] ** 2 + 5 / math.pi * x[0] - 6
    return a * a + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x[0]) + 10


ALPHA = numpy.array([1.0, 1.2, 3.0, 3.2])
A = numpy.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
P = 1e-4 * numpy.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(x):
    return -float(ALPHA @ numpy.exp(-(A * (numpy.array(x) - P) ** 2).sum(axis=1)))


def zdt1(x):
    g = 1 + 9 * sum(x[1:]) / (len(x) - 1)
    return x[0], g * (1 - math.sqrt(x[0] / g))


def zdt2(x):
    g = 1 + 9 * sum(x[1:]) / (len(x) - 1)
    return x[0], g * (1 - (x[0] / g) ** 2)


def hypervolume(points):
    volume, low = 0.0, REFERENCE[1]
    for first, second in sorted(points):
        if first < REFERENCE[0] and second < low:
            volume += (REFERENCE[0] - first) * (low - second)
            low = second
    return volume


FUNCTIONS = {
    "branin": (branin, [(-5, 10), (0, 15)], 100),
    "hartmann": (hartmann, [(0, 1)] * 6, 200),
    "zdt1": (zdt1, [(0, 1)] * 30, 1000),
    "zdt2": (zdt2, [(0, 1)] * 30, 1000),
}


def run(sampler, name):
    function, bounds, trials = FUNCTIONS[name]
    pareto = name.startswith("zdt")
    directions = ["minimize"] * (2 if pareto else 1)
    study = optuna.create_study(directions=directions, sampler=sampler)
    study.optimize(
        lambda trial: function([trial.suggest_float(f"x{i}", *b) for i, b in enumerate(bounds)]), n_trials=trials
    )
    if pareto:
        return hypervolume([t.values for t in study.trials])
    return study.best_value


def main():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    samplers = {
        "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
        "tpe_univariate": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=False),
        "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
        "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    }
    print(f"# Optuna {optuna.__version__}; see record.py")
    for sampler, make in samplers.items():
        for name in ["zdt1", "zdt2"] if sampler == "nsga2" else ["branin", "hartmann"]:
            values = [run(make(seed), name) for seed in range(SEEDS)]
            quartiles = numpy.percentile(values, [25, 50, 75])
            print(sampler, name, FUNCTIONS[name][2], *(f"{q:.9g}" for q in quartiles))
            sys.stdout.flush()


main()
