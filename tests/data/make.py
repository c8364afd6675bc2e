#!/usr/bin/env python3
"""Makes the broken data files of this directory (and a good one of each kind, from which they are broken).

Needs numpy and h5py. The files are small and committed, so that the tests need neither; tests/unit/data_corpus.c
says what each must be refused with. Run it in this directory after changing it."""

import gzip
import io
import struct
import zipfile

import h5py
import numpy as np

ROWS, WIDTH, CLASSES = 12, 4, 3
features = (np.arange(ROWS * WIDTH, dtype=np.float32) / 8 - 2).reshape(ROWS, WIDTH)
labels = np.arange(ROWS, dtype=np.uint8) % CLASSES


def write(name, data):
    with open(name, "wb") as to:
        to.write(data)


def changed(array, index, value):
    copy = array.copy()
    copy[index] = value
    return copy


# ---- HDF5 ----

def hdf5(name, x=features, y=labels, **options):
    options = options or {"compression": "gzip", "shuffle": True}
    image = io.BytesIO()
    with h5py.File(image, "w") as to:
        to.create_dataset("features", data=x, chunks=(5, 2) if x.ndim == 2 else None, **options)
        to.create_dataset("labels", data=y)
    write(name, image.getvalue())
    return image.getvalue()


good = hdf5("good.h5")
write("cut.h5", good[: len(good) * 2 // 3])
write("head.h5", good[:40])
write("text.h5", b"features,labels\n1,2\n")
write("empty.h5", b"")
hdf5("nan.h5", changed(features, (7, 2), np.nan))
hdf5("infinite.h5", changed(features, (0, 3), -np.inf))
hdf5("label.h5", y=changed(labels, 9, 3))
hdf5("fraction.h5", y=changed(labels.astype(np.float64), 4, 1.5))
hdf5("shape.h5", features[:, :3])
hdf5("rows.h5", y=labels[:-1])
hdf5("one_hot.h5", y=changed(np.eye(CLASSES, dtype=np.float32)[labels], (3, 1), 1))
hdf5("filter.h5", compression="lzf")  # a filter of h5py's own
with h5py.File("records.h5", "w") as to:
    to["features"] = np.zeros(ROWS, dtype=[("pt", "f4"), ("eta", "f4")])
    to["labels"] = labels

# ---- npy ----


def npy(array, version=None, **options):
    to = io.BytesIO()
    np.lib.format.write_array(to, array, version=version, **options)
    return to.getvalue()


x, y = npy(features), npy(labels)
write("features.npy", x)
write("labels.npy", y)
write("cut.npy", x[:-5])
write("head.npy", x[:9])
write("header.npy", x[:60])
write("longer.npy", x + b"\0")
write("magic.npy", b"\x93NUMPI" + x[6:])
write("version.npy", x[:6] + b"\x09" + x[7:])
write("dictionary.npy", x.replace(b"'shape'", b"'shap'"))
write("promise.npy", x.replace(b"(12, 4)", b"(120000000000000, 4)".ljust(7))[: len(x)])
write("overflow.npy", x.replace(b"(12, 4), }             ", b"(4294967296, 4294967295), }")[: len(x) + 4])
write("zero.npy", npy(features[:0]))
write("scalar.npy", npy(np.float32(1)[()].reshape(())))
write("object.npy", npy(np.array([{}] * ROWS, dtype=object), allow_pickle=True))
write("records.npy", npy(np.zeros(ROWS, dtype=[("pt", "f4"), ("eta", "f4")])))
write("complex.npy", npy(features.astype(np.complex64)))
write("date.npy", npy(np.zeros(ROWS, dtype="M8[s]")))
write("nan.npy", npy(changed(features, (11, 0), np.nan)))
write("text.npy", npy(np.array(["g", "q", "w"] * 4)))

# ---- npz ----


def npz(name, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(name, "w", compression) as to:
        for member, data in members.items():
            to.writestr(zipfile.ZipInfo(member), data, compression)
    with open(name, "rb") as back:
        return back.read()


good = npz("good.npz", {"features.npy": x, "labels.npy": y})
write("cut.npz", good[: len(good) // 2])
npz("missing.npz", {"feature.npy": x, "labels.npy": y})
npz("member.npz", {"features.npy": x[:-9], "labels.npy": y})
stored = npz("checksum.npz", {"features.npy": x, "labels.npy": y}, zipfile.ZIP_STORED)
at = stored.index(features.tobytes())
write("checksum.npz", stored[:at] + b"\x01" + stored[at + 1 :])

# ---- IDX ----


def idx(code, array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.tobytes()


def packed(data):
    return gzip.compress(data, mtime=0)


pixels = (features * 8 + 16).astype(np.uint8)
a, b = idx(8, pixels), idx(8, labels)
write("images.idx", a)
write("labels.idx", b)
write("images.idx.gz", packed(a))
write("cut.idx", a[:-1])
write("cut.idx.gz", packed(a)[:-12])
write("crc.idx.gz", packed(a)[:-8] + b"\0\0\0\0" + packed(a)[-4:])
write("damaged.idx.gz", packed(a)[:14] + b"\xff\xff\xff\xff" + packed(a)[18:])
write("head.idx", a[:6])
write("magic.idx", b"\0\1" + a[2:])
write("type.idx", b"\0\0\7" + a[3:])
write("longer.idx", a + b"\0")
write("promise.idx", a[:4] + b"\xff\xff\xff\xff" + a[8:])
write("promise.idx.gz", packed(a[:4] + b"\0\xff\xff\xff" + a[8:]))
write("rank.idx", b"\0\0\x08\xff" + bytes(255 * 4))
write("scalar.idx", b"\0\0\x08\0\0")
write("label.idx", idx(8, changed(labels, 5, 9)))

# ---- CSV ----

header = "a,b,c,d,labels\n"
lines = [",".join(str(v) for v in row) + f",{label}\n" for row, label in zip(features, labels)]


def csv(name, at=None, line=None, first=header):
    write(name, (first + "".join(line if i == at else text for i, text in enumerate(lines))).encode())


csv("good.csv")
csv("text.csv", 2, "1,2,three,4,0\n")
csv("missing.csv", 5, "1,,3,4,0\n")
csv("short.csv", 3, "1,2,3,4\n")
csv("long.csv", 3, "1,2,3,4,0,0\n")
csv("nan.csv", 11, "1,2,3,nan,0\n")
csv("quote.csv", 4, '"1,2,3,4,0\n')
csv("inner.csv", 4, '1,2"3,3,4,0\n')
csv("label.csv", 6, "1,2,3,4,7\n")
csv("no_label.csv", 6, "1,2,3,4,\n")
csv("header.csv", first="1,2,3,4,0\n")
csv("column.csv", first="a,b,cc,d,labels\n")
write("blank.csv", b"\n\n")
write("only_header.csv", header.encode())
write("binary.csv", bytes(range(256)) * 4)
