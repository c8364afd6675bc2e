#!/usr/bin/env python3
"""Generate a 5-class (g, q, w, z, t) jet-substructure data set with the 16
high-level features of the hls4ml LHC jet set (OpenML 42468), from scratch,
with Pythia 8 and FastJet.

  pip install --only-binary=:all: -r requirements.txt
  python generate_jets.py --jets 30000 --seed 2 --detector cms --polarisation long --rows 70000 --out jets.h5

That command writes the jets.h5 beside this file. Without --rows it writes all 150,000 jets.

Events     pp, sqrt(s) = 13 TeV, Pythia 8 default (Monash) tune, ISR, FSR, MPI and
           hadronisation on, 990 < pTHat < 1010 GeV (a parton pT of 1 TeV +- 1 %).
             g  gg->gg, qqbar->gg                     w  ffbar->WW, W->qq'
             q  qq->qq, gg->qqbar, qqbar->q'q'bar     z  ffbar->ZZ (no gamma*), Z->qqbar
             t  gg->ttbar, qqbar->ttbar, W->qq'
Jets       neutrinos removed, anti-kT R = --radius, 800 < pT < 1600 GeV, |eta| < 2.5,
           axis within dR < 0.3 of the hard parton / boson / top that names its class
           (q: u, d, s only). Up to two jets an event are kept.
Grooming   modified mass drop = soft drop beta 0, zcut 0.1 on a C/A tree (fastjet-contrib).
Features   see features_of(); energy correlators use pT and dR(y, phi), z = pT / sum pT,
           over ALL groomed constituents. zlogz and multiplicity are ungroomed.
Detector   --detector none: stable particles. --detector cms: a fast CMS-like response, see
           detector().

The result depends on the options and the library versions, not on --procs.
"""
import argparse
import math
import os
import sys
import time
from multiprocessing import get_context

for _v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_v, "1")
import numpy as np

FEATURES = ["zlogz", "c1_b0_mmdt", "c1_b1_mmdt", "c1_b2_mmdt", "c2_b1_mmdt", "c2_b2_mmdt",
            "d2_b1_mmdt", "d2_b2_mmdt", "d2_a1_b1_mmdt", "d2_a1_b2_mmdt", "m2_b1_mmdt",
            "m2_b2_mmdt", "n2_b1_mmdt", "n2_b2_mmdt", "mass_mmdt", "multiplicity"]
CLASSES = ["g", "q", "w", "z", "t"]
AUX = ["pt", "eta", "phi", "mass", "n_groomed", "costheta", "chunk", "event"]

PROCESS = {
    "g": ["HardQCD:gg2gg=on", "HardQCD:qqbar2gg=on"],
    "q": ["HardQCD:qq2qq=on", "HardQCD:gg2qqbar=on", "HardQCD:qqbar2qqbarNew=on",
          "HardQCD:nQuarkNew=3"],
    "w": ["WeakDoubleBoson:ffbar2WW=on"],
    "z": ["WeakDoubleBoson:ffbar2gmZgmZ=on", "WeakZ0:gmZmode=2"],
    "t": ["Top:gg2ttbar=on", "Top:qqbar2ttbar=on"],
}
# |status| and |id| of the truth particle a jet of the class is matched to: outgoing
# partons of the hard process (23), resonances in their last copy before decay (62)
TRUTH = {"g": (23, (21,)), "q": (23, (1, 2, 3)), "w": (62, (24,)), "z": (62, (23,)), "t": (62, (6,))}
ZCUT, PT_MIN, PT_MAX, ETA_MAX, DR_MATCH = 0.1, 800.0, 1600.0, 2.5, 0.3
BATCH = 250
# longitudinal fraction of the bosons, from <cos^2 theta*> = 0.4 - 0.2 fL of 3000 decays each
F_LONG = {"w": 0.21, "z": 0.055}

# ------------------------------------------------------------- energy correlators

def _ecf_numpy(z, y, phi):
    """e2 for beta 0, 1, 2; then for beta 1, 2: e3 with all three angles, with the two
    smallest, with the smallest (sums over i<j and i<j<k)."""
    n = len(z)
    dphi = np.abs(phi[:, None] - phi[None, :])
    dphi = np.where(dphi > math.pi, 2 * math.pi - dphi, dphi)
    d2 = (y[:, None] - y[None, :]) ** 2 + dphi ** 2
    d = np.sqrt(d2)
    zz = np.triu(np.outer(z, z), 1)
    out = np.zeros(9)
    out[0], out[1], out[2] = zz.sum(), (zz * d).sum(), (zz * d2).sum()
    for i in range(n - 2):
        w = z[i] * zz[i + 1:, i + 1:]
        a, b, c = d[i, i + 1:][:, None], d[i, i + 1:][None, :], d[i + 1:, i + 1:]
        lo = np.minimum(np.minimum(a, b), c)
        abc = a * b * c
        ab = np.minimum(np.minimum(a * b, a * c), b * c)
        out[3] += (w * abc).sum(); out[4] += (w * abc * abc).sum()
        out[5] += (w * ab).sum(); out[6] += (w * ab * ab).sum()
        out[7] += (w * lo).sum(); out[8] += (w * lo * lo).sum()
    return out


def _ecf_loops(z, y, phi):
    n = len(z)
    d = np.zeros((n, n))
    out = np.zeros(9)
    for i in range(n):
        for j in range(i + 1, n):
            dphi = abs(phi[i] - phi[j])
            if dphi > math.pi:
                dphi = 2 * math.pi - dphi
            x = (y[i] - y[j]) ** 2 + dphi * dphi
            d[i, j] = math.sqrt(x)
            zz = z[i] * z[j]
            out[0] += zz; out[1] += zz * d[i, j]; out[2] += zz * x
    for i in range(n):
        for j in range(i + 1, n):
            a = d[i, j]
            s3 = s4 = s5 = s6 = s7 = s8 = 0.0
            for k in range(j + 1, n):
                b = d[i, k]
                c = d[j, k]
                w = z[k]
                lo = min(a, min(b, c))
                abc = a * b * c
                ab = min(a * b, min(a * c, b * c))
                s3 += w * abc; s4 += w * abc * abc
                s5 += w * ab; s6 += w * ab * ab
                s7 += w * lo; s8 += w * lo * lo
            w = z[i] * z[j]
            out[3] += w * s3; out[4] += w * s4; out[5] += w * s5
            out[6] += w * s6; out[7] += w * s7; out[8] += w * s8
    return out


try:
    if os.environ.get("JETS_NO_NUMBA"):
        raise ImportError
    import numba
    ecf = numba.njit(cache=False)(_ecf_loops)
except ImportError:
    ecf = _ecf_numpy


def _div(a, b):
    return a / b if b > 0 else 0.0


def features_of(jet_pt, pt_all, groomed):
    """The 16 features. pt_all: pT of the jet's constituents; groomed: (n, 4) px py pz E."""
    px, py, pz, e = groomed.T
    pt = np.hypot(px, py)
    m = math.sqrt(max(e.sum() ** 2 - px.sum() ** 2 - py.sum() ** 2 - pz.sum() ** 2, 0.0))
    # rapidity through mT, stable for forward particles
    m2 = np.maximum((e - pz) * (e + pz) - pt * pt, 0.0)
    y = np.sign(pz) * np.log((e + np.abs(pz)) / np.sqrt(pt * pt + m2))
    e20, e21, e22, e31, e32, v21, v22, v11, v12 = ecf(pt / pt.sum(), y, np.arctan2(py, px))
    za = pt_all / jet_pt
    return [float((za * np.log(za)).sum()),
            e20, e21, e22,                                   # C1 = e2
            _div(e31, e21 ** 2), _div(e32, e22 ** 2),        # C2 = e3 / e2^2
            _div(e31, e21 ** 3), _div(e32, e22 ** 3),        # D2 = e3 / e2^3
            _div(e31, e21 ** 3), _div(e31, e22 ** 1.5),      # D2(a,b) = e3(a) / e2(b)^(3a/b)
            _div(v11, e21), _div(v12, e22),                  # M2 = 1e3 / 1e2
            _div(v21, e21 ** 2), _div(v22, e22 ** 2),        # N2 = 2e3 / (1e2)^2
            m, float(len(pt_all))]

# ------------------------------------------------------------- detector

def detector(px, py, pz, e, ev, charge, pid, rng):
    """CMS-like fast response, with the parameters of the tag r1_h022_e0175_t220 in the name of
    the original file. |eta| < 3. Charged hadrons up to pT 220 GeV and leptons: tracks, exact
    direction, sigma = 1.5 % (+) 0.025 % pT. Photons: ECAL cells 0.0175, sigma = 2.7 % /
    sqrt(E/1.6) (+) 15 % * 1.6 / E (+) 0.5 %. Other hadrons: HCAL cells 0.022, sigma = 120 % /
    sqrt(E/7) (+) 5 %. (Energies in GeV; the factors are for particle-flow subtraction.) The
    energy in a cell is summed and becomes one massless object at the cell's centre, smeared."""
    pt = np.hypot(px, py)
    eta = np.arcsinh(pz / np.maximum(pt, 1e-9))
    phi = np.arctan2(py, px)
    keep = (np.abs(eta) < 3) & (pt > 1e-6)
    apid = np.abs(pid)
    lep = (apid == 11) | (apid == 13)
    trk = keep & (charge != 0) & ((pt < 220) | lep)
    em = keep & ~trk & (apid == 22)
    had = keep & ~trk & ~em
    f = np.maximum(1 + rng.standard_normal(trk.sum()) * np.hypot(0.015, 2.5e-4 * pt[trk]), 1e-10)
    parts = [(ev[trk], px[trk] * f, py[trk] * f, pz[trk] * f, e[trk] * f)]
    for sel, cell, (s, nz, c) in ((em, 0.0175, (0.027 * 1.6 ** 0.5, 0.15 * 1.6, 0.005)),
                                  (had, 0.022, (1.2 * 7 ** 0.5, 0.0, 0.05))):
        nphi = int(round(2 * math.pi / cell))
        ie = np.floor((eta[sel] + 3) / cell).astype(np.int64)
        ip = np.floor((phi[sel] + math.pi) / (2 * math.pi) * nphi).astype(np.int64) % nphi
        key, inv = np.unique((ev[sel] * 1000 + ie) * 1000 + ip, return_inverse=True)
        en = np.bincount(inv.ravel(), weights=e[sel], minlength=len(key))
        ce = ((key // 1000) % 1000 + 0.5) * cell - 3
        cp = (key % 1000 + 0.5) * 2 * math.pi / nphi - math.pi
        en = en * (1 + rng.standard_normal(len(key)) * np.sqrt(s * s / en + (nz / en) ** 2 + c * c))
        ok = en > 1e-6                       # a cell smeared to nothing is dropped
        en, ce, cp, kev = en[ok], ce[ok], cp[ok], key[ok] // 1000000
        p = en / np.cosh(ce)
        parts.append((kev, p * np.cos(cp), p * np.sin(cp), p * np.sinh(ce), en))
    ev, px, py, pz, e = (np.concatenate(a) for a in zip(*parts))
    o = np.argsort(ev, kind="stable")
    return px[o], py[o], pz[o], e[o], ev[o]

# ------------------------------------------------------------- one chunk of events

def make_pythia(cls, seed):
    import pythia8mc
    p = pythia8mc.Pythia("", False)
    for s in ["Print:quiet=on", "Beams:eCM=13000", "Random:setSeed=on", f"Random:seed={seed}",
              "PhaseSpace:pTHatMin=990", "PhaseSpace:pTHatMax=1010",
              "24:onMode=off", "24:onIfAny=1 2 3 4 5", "23:onMode=off", "23:onIfAny=1 2 3 4 5",
              ] + PROCESS[cls]:
        if not p.readString(s):
            raise SystemExit(f"Pythia refuses {s}")
    if not p.init():
        raise SystemExit("Pythia does not start")
    return p


def chunk(task):
    """Jets of one class from one independently seeded run: (class, chunk, rows [n, 16 + aux])."""
    ci, ch, a = task
    import awkward as ak, fastjet, vector
    vector.register_awkward()
    cls = CLASSES[ci]
    rng = np.random.default_rng(np.random.SeedSequence([a.seed, ci, ch]))
    p = make_pythia(cls, int(rng.integers(1, 900_000_000)))
    antikt = fastjet.JetDefinition(fastjet.antikt_algorithm, a.radius)
    ca = fastjet.JetDefinition(fastjet.cambridge_algorithm, 100.0)
    status, ids = TRUTH[cls]
    charges = {}
    rows = []
    for first in range(0, a.chunk_events, BATCH):
        n = min(BATCH, a.chunk_events - first)
        prt = p.nextBatch(n).prt
        cnt = ak.to_numpy(ak.num(prt))
        n = len(cnt)                       # failed events are left out by nextBatch
        ev = np.repeat(np.arange(n), cnt)
        flat = ak.flatten(prt)
        pid, st = ak.to_numpy(flat.id), ak.to_numpy(flat.status)
        px, py, pz, e = (ak.to_numpy(flat.p[k]) for k in ("px", "py", "pz", "e"))
        tr = (np.abs(st) == status) & np.isin(np.abs(pid), ids)
        # decay angle of W and Z in their rest frame: |cos theta*| = |E1 - E2| / p
        if cls in "wz":
            off = np.concatenate([[0], np.cumsum(cnt)])[ev[tr]]
            d1, d2 = (off + ak.to_numpy(flat[k])[tr] for k in ("daughter1", "daughter2"))
            tcos = np.abs(e[d1] - e[d2]) / np.sqrt(px[tr] ** 2 + py[tr] ** 2 + pz[tr] ** 2)
        else:
            tcos = np.full(tr.sum(), -1.0)
        tev, teta, tphi = ev[tr], np.arcsinh(pz[tr] / np.hypot(px[tr], py[tr])), np.arctan2(py[tr], px[tr])
        fin = (st > 0) & ~np.isin(np.abs(pid), (12, 14, 16))
        px, py, pz, e, fev, pid = px[fin], py[fin], pz[fin], e[fin], ev[fin], pid[fin]
        if a.detector == "cms":
            for k in np.unique(pid):
                if int(k) not in charges:
                    charges[int(k)] = p.particleData.chargeType(int(k))
            uid, inv = np.unique(pid, return_inverse=True)
            q = np.array([charges[int(k)] for k in uid])[inv.ravel()]
            px, py, pz, e, fev = detector(px, py, pz, e, fev, q, pid, rng)
        parts = ak.unflatten(ak.zip({"px": px, "py": py, "pz": pz, "E": e}, with_name="Momentum4D"),
                             np.bincount(fev, minlength=n))
        cs = fastjet.ClusterSequence(parts, antikt)
        jets = cs.inclusive_jets(min_pt=PT_MIN)
        cons = cs.constituents(min_pt=PT_MIN)
        jev = np.repeat(np.arange(n), ak.to_numpy(ak.num(jets)))
        jets, cons = ak.flatten(jets), ak.flatten(cons, axis=1)
        jx, jy, jz, je = (ak.to_numpy(jets[k]) for k in ("px", "py", "pz", "E"))
        jpt = np.hypot(jx, jy)
        jeta, jphi = np.arcsinh(jz / jpt), np.arctan2(jy, jx)
        ok, jcos = np.zeros(len(jpt), bool), np.zeros(len(jpt))
        for i in np.nonzero((jpt < PT_MAX) & (np.abs(jeta) < ETA_MAX))[0]:
            t = tev == jev[i]
            dp = np.abs(tphi[t] - jphi[i])
            dr = np.hypot(teta[t] - jeta[i], np.minimum(dp, 2 * math.pi - dp))
            if len(dr) and dr.min() < DR_MATCH:
                c = jcos[i] = tcos[t][dr.argmin()]
                ok[i] = True
                if a.polarisation == "long" and cls in "wz":
                    fl = F_LONG[cls]
                    w = (1 - c * c) / ((1 - fl) / 2 * (1 + c * c) + fl * (1 - c * c))
                    ok[i] = rng.random() * 2 / (1 + fl) < w
        sel = np.nonzero(ok)[0]
        if not len(sel):
            continue
        cons = cons[sel]
        groomed = fastjet.ClusterSequence(cons, ca).exclusive_jets_softdrop_grooming(
            njets=1, beta=0.0, symmetry_cut=ZCUT, R0=a.radius).constituents
        goff = np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(groomed)))])
        gf = ak.flatten(groomed)
        gf = np.stack([ak.to_numpy(gf[k]) for k in ("px", "py", "pz", "E")], axis=1)
        coff = np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(cons)))])
        cf = ak.flatten(cons)
        cpt = np.hypot(ak.to_numpy(cf.px), ak.to_numpy(cf.py))
        for r, i in enumerate(sel):
            m = math.sqrt(max(je[i] ** 2 - jx[i] ** 2 - jy[i] ** 2 - jz[i] ** 2, 0.0))
            rows.append(features_of(jpt[i], cpt[coff[r]:coff[r + 1]], gf[goff[r]:goff[r + 1]]) +
                        [jpt[i], jeta[i], jphi[i], m, goff[r + 1] - goff[r], jcos[i], ch, first + jev[i]])
        if len(rows) >= a.jets:
            break
    return ci, ch, np.asarray(rows, np.float64).reshape(-1, len(FEATURES) + len(AUX))

# ------------------------------------------------------------- whole run

def banner_to_devnull():
    """FastJet prints its banner on C stdout once; keep stdout clean."""
    sys.stdout.flush()
    fd, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    import fastjet
    fastjet.ClusterSequence([fastjet.PseudoJet(1, 0, 0, 1)], fastjet.JetDefinition(fastjet.antikt_algorithm, 0.4))
    sys.stdout.flush()
    os.dup2(fd, 1)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--jets", type=int, default=1000, help="jets per class (default %(default)s)")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--out", required=True, help="HDF5 file to write")
    ap.add_argument("--rows", type=int, help="keep only the first so many of the shuffled jets")
    ap.add_argument("--csv", help="also write CSV: 16 named columns and class")
    ap.add_argument("--npz", help="also write .npz: features, labels, names")
    ap.add_argument("--radius", type=float, default=0.8, help="anti-kT R (default %(default)s)")
    ap.add_argument("--detector", choices=["none", "cms"], default="none")
    ap.add_argument("--polarisation", choices=["sm", "long"], default="sm",
                    help="sm: W and Z as produced, mostly transverse; long: keep W and Z jets with the "
                         "probability that makes cos theta* that of longitudinal bosons")
    ap.add_argument("--aux", action="store_true", help="also store aux [N,8]: " + ", ".join(AUX))
    ap.add_argument("--procs", type=int, default=1, help="worker processes")
    ap.add_argument("--chunk-events", type=int, default=1000, help="events per seeded chunk")
    a = ap.parse_args()
    import h5py, pythia8mc, fastjet
    from tqdm import tqdm
    banner_to_devnull()
    t0 = time.time()
    got = [[] for _ in CLASSES]                       # per class: chunks in order
    count = [0] * len(CLASSES)
    bar = tqdm(total=a.jets * len(CLASSES), unit="jet", smoothing=0.05)
    pool = get_context("spawn").Pool(a.procs) if a.procs > 1 else None
    while True:
        tasks = []
        for c in range(len(CLASSES)):
            have = sum(map(len, got[c]))
            if have < a.jets:
                per = have / len(got[c]) if got[c] else 1.7 * a.chunk_events
                k = max(1, math.ceil((a.jets - have) / max(per, 1)))
                tasks += [(c, len(got[c]) + i, a) for i in range(k)]
        if not tasks:
            break
        tasks.sort(key=lambda t: (t[1], t[0]))
        res = []
        # one process: chunks come in order, so a class that has enough skips its spare ones
        for r in (pool.imap_unordered(chunk, tasks) if pool else
                  (chunk(t) for t in tasks if count[t[0]] < a.jets)):
            res.append(r)
            new = min(a.jets, count[r[0]] + len(r[2]))
            bar.update(new - count[r[0]])
            count[r[0]] = new
        for c, _, rows in sorted(res, key=lambda r: r[:2]):
            got[c].append(rows)
    if pool:
        pool.close(); pool.join()
    bar.close()
    X = np.concatenate([np.concatenate(g)[:a.jets] for g in got])
    y = np.repeat(np.arange(len(CLASSES), dtype=np.uint8), a.jets)
    perm = np.random.default_rng(np.random.SeedSequence([a.seed, 999])).permutation(len(y))
    X, y = X[perm][:a.rows], y[perm][:a.rows]
    F, aux = X[:, :len(FEATURES)].astype(np.float32), X[:, len(FEATURES):].astype(np.float32)
    if not np.isfinite(F).all():
        raise SystemExit("non-finite features")
    from importlib.metadata import version
    with h5py.File(a.out, "w") as h:
        for name, data, names in [("features", F, FEATURES), ("labels", y, CLASSES)] + \
                ([("aux", aux, AUX)] if a.aux else []):
            chunks = (max(1, len(data) // 8),) + (1,) * (data.ndim - 1)
            d = h.create_dataset(name, data=data, chunks=chunks, compression="gzip", compression_opts=9,
                                 shuffle=True)
            d.attrs["names"] = np.array(names, dtype="S")
        h.attrs["seed"], h.attrs["detector"], h.attrs["jets_per_class"] = a.seed, a.detector, a.jets
        h.attrs["radius"], h.attrs["polarisation"] = a.radius, a.polarisation
        h.attrs["chunk_events"] = a.chunk_events
        if a.rows:
            h.attrs["rows"] = len(y)
        h.attrs["generator"] = "pythia8mc %s, fastjet %s" % (version("pythia8mc"), version("fastjet"))
    if a.npz:
        np.savez_compressed(a.npz, features=F, labels=y, names=np.array(FEATURES), classes=np.array(CLASSES))
    if a.csv:
        with open(a.csv, "w") as f:
            f.write(",".join(FEATURES) + ",class\n")
            for row, l in zip(F, y):
                f.write(",".join("%.9g" % v for v in row) + "," + CLASSES[l] + "\n")
    print(f"{a.out}: {len(y)} jets, {os.path.getsize(a.out)} bytes, {time.time() - t0:.1f} s, "
          f"{len(y) / (time.time() - t0):.1f} jets/s")


if __name__ == "__main__":
    main()
