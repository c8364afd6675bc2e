#!/usr/bin/env python3
"""Finds the coefficients of compiler/loops/math.c anew: needs mpmath and scipy; not run by make check.

Each is a polynomial with binary32 coefficients, close to the best there is. A least-squares polynomial in high
precision is moved to the minimax polynomial of the weighted error by linear programming over its small changes;
its first coefficient is rounded to binary32 and fixed, the rest is fitted again, and so on.
Usage: fit.py [NAME]"""
import os
import struct
import sys
import numpy as np
from scipy.optimize import linprog
from mpmath import mp, mpf, matrix, lu_solve, log, exp, erf, erfc, log1p, expm1, sqrt, cos, pi

mp.prec = 160
SCALE = mpf(2) ** 26


def f32(x):
    return mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


def chebyshev(lo, hi, n):
    return [(lo + hi) / 2 + (hi - lo) / 2 * cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]


def change(error, basis, n):
    """Changes d of n coefficients so that max |error − Σ d·basis| is least; all scaled up to be near 1."""
    a = np.array([[float(v) for v in row] for row in basis])
    size = np.abs(a).max(axis=0)
    a /= size
    e = np.array([float(v * SCALE) for v in error])
    ones = np.ones((len(e), 1))
    result = linprog(
        [0] * n + [1], A_ub=np.block([[a, -ones], [-a, -ones]]), b_ub=np.concatenate([e, -e]),
        bounds=[(None, None)] * n + [(0, None)], method="highs-ds",
    )
    return [mpf(float(d)) / SCALE / mpf(float(k)) for d, k in zip(result.x[:n], size)]


def fit(target, weight, powers, lo, hi):
    """Coefficients by rising position in powers, and the greatest weight(x)·|target(x) − Σ c·x^power|."""
    powers = list(powers)
    points = [(x, weight(x), target(x)) for x in chebyshev(lo, hi, 500)]
    rows = [[w * x**p for p in powers] for x, w, _ in points]
    m = matrix(rows)
    c = list(lu_solve(m.T * m, m.T * matrix([w * t for _, w, t in points])))
    for k in range(len(powers)):
        for _ in range(2):
            error = [w * t - sum(a * b for a, b in zip(c, row)) for (x, w, t), row in zip(points, rows)]
            d = change(error, [row[k:] for row in rows], len(powers) - k)
            c[k:] = [a + b for a, b in zip(c[k:], d)]
        c[k] = f32(c[k])
    error = max(abs(w * t - sum(a * b for a, b in zip(c, row))) for (x, w, t), row in zip(points, rows))
    return list(zip(c, powers)), error


def series(f, x, terms):
    """f near 0, where its formula cancels: Σ terms[i]·x^i"""
    return f(x) if abs(x) > mpf("1e-6") else sum(t * x**i for i, t in enumerate(terms))


ln2 = log(2)
HALF = ln2 / 2 * mpf("1.0001")  # a reduced argument, rounded


def expm1_rest(r):  # (e^r − 1 − r) / r²
    return series(lambda x: (exp(x) - 1 - x) / x**2, r, [mpf(1) / 2, mpf(1) / 6, mpf(1) / 24])


# name: (what P approximates, weight of its error, number of coefficients, from, to)
FITS = {
    # e^r = 1 + r·(1 + r·P(r)), relative error
    "exp": (expm1_rest, lambda r: r**2 / exp(r), 5, -HALF, HALF),
    # the same for erf
    "exp, short": (expm1_rest, lambda r: r**2 / exp(r), 4, -HALF, HALF),
    # e^r − 1 = r + r²·P(r), relative error
    "expm1": (expm1_rest, lambda r: abs(series(lambda x: x**2 / expm1(x), r, [0, 1])), 5, -HALF, HALF),
    # log(1 + m) = m − m²/2 + m³·P(m), relative error
    "log": (lambda m: series(lambda x: (log1p(x) - x + x**2 / 2) / x**3, m, [mpf(1) / 3, -mpf(1) / 4, mpf(1) / 5]),
            lambda m: abs(series(lambda x: x**3 / log1p(x), m, [0, 0, 1])), 8, sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1),
    # erf(x) = x + x·P(x²) for |x| ≤ 0.9, relative error
    "erf, small": (lambda u: series(lambda v: erf(sqrt(v)) / sqrt(v) - 1, u, [2 / sqrt(pi) - 1]),
                   lambda u: series(lambda v: sqrt(v) / erf(sqrt(v)), u, [sqrt(pi) / 2]), 6, mpf(0), mpf("0.81")),
    # erf(x) = 1 − e^−P(x) for x ≥ 0.9, relative error; beyond 3.93 it is 1
    "erf, large": (lambda x: -log(erfc(x)), lambda x: erfc(x) / erf(x), 6, mpf("0.9"), mpf("3.93")),
}

if __name__ == "__main__":
    code = open(os.path.join(os.path.dirname(__file__), "../../compiler/loops/math.c")).read()
    for name, (target, weight, count, lo, hi) in FITS.items():
        if len(sys.argv) > 1 and name != sys.argv[1]:
            continue
        coefficients, error = fit(target, weight, range(count), lo, hi)
        print(f"{name}: error 2^{float(log(error, 2)):.2f}")
        for value, power in coefficients:
            digits = float(abs(value)).hex().split("p")
            text = digits[0].rstrip("0") + "p" + digits[1]
            print(f"  x^{power}: {'-' if value < 0 else ''}{text}{'' if text in code else ': not in math.c'}")
