# SPDX-License-Identifier: CC0-1.0 (copy it into what you make)
"""Networks that netc compiled, as functions of numpy arrays.

    import netc
    net = netc.load("t.so")    # netc compile t.net -o t.so
    y = net(x)                 # x: one row, or rows one behind the other (first axis)

What a library takes and gives stands in it: net.inputs, net.outputs (name, shape of a row, type, format),
net.classes, net.description. Several inputs are several arguments; several outputs come as a tuple.
net.codes(x) is the same on integers, where the network's inputs are quantised (net.code_inputs).
Any number of threads may call a network.
"""
import collections
import ctypes
import json
import os
import re

import numpy

__all__ = ["Network", "Port", "load"]

Port = collections.namedtuple("Port", "name shape dtype format")

_TYPES = {"float": numpy.float32, "double": numpy.float64, "int8_t": numpy.int8, "uint8_t": numpy.uint8,
          "int16_t": numpy.int16, "uint16_t": numpy.uint16, "int32_t": numpy.int32, "uint32_t": numpy.uint32,
          "int64_t": numpy.int64, "uint64_t": numpy.uint64}


def load(path, name=None):
    """The network in a shared library; name: of its functions, where there are several networks in it."""
    return Network(path, name)


class Network:
    def __init__(self, path, name=None):
        path = os.path.abspath(os.fspath(path))
        with open(path, "rb") as file:
            found = re.findall(rb"\0([A-Za-z_]\w*)_description(?=\0)", file.read())
        names = {name.decode() for name in found}
        if name is None and len(names) != 1:
            several = "has several networks: choose one by name: " + ", ".join(sorted(names))
            raise ValueError(f"{path} {several if names else 'has no network that netc compiled'}")
        if name is None:
            name, = names
        if name not in names:
            raise ValueError(f"{path} has no network '{name}'; there is {', '.join(sorted(names)) or 'none'}")
        self._library = ctypes.CDLL(path)
        symbol = ctypes.c_char.in_dll(self._library, name + "_description")
        self.description = json.loads(ctypes.string_at(ctypes.addressof(symbol)).decode())
        self.name = name
        self.classes = self.description["classes"]
        self.inputs, self.outputs = self._ports("inputs"), self._ports("outputs")
        self.code_inputs, self.code_outputs = self._ports("code_inputs"), self._ports("code_outputs")
        self._functions = {(f["rows"], f["codes"]): (getattr(self._library, f["name"]), f["scratch"])
                           for f in self.description["functions"]}
        self._weights = self._read_weights(os.path.dirname(path))
        for (rows, codes), (function, scratch) in self._functions.items():
            pointers = len(self.inputs) + len(self.outputs) + len(self._weights) + (scratch > 0)
            function.argtypes = [ctypes.c_size_t] * rows + [ctypes.c_void_p] * pointers
            function.restype = None

    def _read_weights(self, folder):
        """What functions take behind their arrays: [], or the one pointer to constants of a file of their own."""
        told = self.description.get("weights")
        if not told:
            return []
        path = os.path.join(folder, told["file"])
        room = numpy.empty(told["bytes"] + 64, numpy.uint8)
        room = room[-room.ctypes.data % 64:][:told["bytes"]]
        content = numpy.fromfile(path, numpy.uint8)
        if content.size != room.size or content[24:32].tobytes()[::-1].hex() != told["hash"]:
            raise ValueError(f"{path} is not what {self.name} was compiled with")
        room[:] = content
        self._content = room  # stays where it is
        return [room.ctypes.data]

    def _ports(self, which):
        return [Port(p["name"], tuple(p["shape"]), numpy.dtype(_TYPES[p["type"]]), p["format"])
                for p in self.description.get(which, [])]

    def __repr__(self):
        def say(ports):
            return ", ".join(f"{p.name}: {p.dtype}{list(p.shape)}" for p in ports)
        return f"<netc.Network {self.name}: {say(self.inputs)} -> {say(self.outputs)}>"

    def __call__(self, *arrays):
        return self._run(arrays, self.inputs, self.outputs, False)

    def codes(self, *arrays):
        """Integers in, integers out: codes of the formats of code_inputs and code_outputs."""
        if not self.code_inputs:
            raise TypeError(f"{self.name} takes no codes: not all of its inputs are quantised")
        return self._run(arrays, self.code_inputs, self.code_outputs, True)

    def classify(self, *arrays):
        """The class whose output is the greatest, of each row: its name, or number where there are no names."""
        y = self(*arrays)
        best = numpy.argmax(y[0] if isinstance(y, tuple) else y, axis=-1)
        return numpy.array(self.classes)[best] if self.classes else best

    def _run(self, arrays, inputs, outputs, codes):
        if len(arrays) != len(inputs):
            names = ", ".join(p.name for p in inputs)
            raise TypeError(f"{self.name} takes {len(inputs)} input{'s' * (len(inputs) > 1)} ({names}), "
                            f"not {len(arrays)}")
        given = [_convert(array, port) for array, port in zip(arrays, inputs)]
        counts = [x.shape[0] if x.ndim > len(p.shape) else None for x, p in zip(given, inputs)]
        if len(set(counts)) > 1:
            rows = ", ".join(f"{p.name} {'one row' if c is None else f'{c} rows'}"
                             for p, c in zip(inputs, counts))
            raise ValueError(f"inputs have as many rows as each other, not {rows}")
        lead = () if counts[0] is None else (counts[0],)
        results = [numpy.empty(lead + p.shape, p.dtype) for p in outputs]
        function, scratch = self._functions[len(lead) > 0, codes]
        arguments = [x.ctypes.data for x in given + results] + self._weights
        if scratch:
            room = numpy.empty(scratch, numpy.uint8)  # one a call: threads do not share it
            arguments.append(room.ctypes.data)
        function(*lead, *arguments)
        return results[0] if len(results) == 1 else tuple(results)


def _convert(array, port):
    x = numpy.asarray(array)
    if x.shape[x.ndim - len(port.shape):] != port.shape or x.ndim - len(port.shape) not in (0, 1):
        row = ", ".join(map(str, port.shape))
        comma = ", " if row else ""
        raise ValueError(f"{port.name} is of shape ({row}), or (n{comma}{row}) for n rows, not {x.shape}")
    if not numpy.can_cast(x.dtype, port.dtype, "same_kind"):
        if port.dtype.kind == "f" or x.dtype.kind not in "iu":
            raise TypeError(f"{port.name} takes {port.dtype}, not {x.dtype}")
    if port.dtype.kind in "iu" and x.size:
        info = numpy.iinfo(port.dtype)
        if int(x.min()) < info.min or int(x.max()) > info.max:
            raise ValueError(f"{port.name} takes {port.dtype}: from {info.min} to {info.max}")
    return numpy.ascontiguousarray(x, dtype=port.dtype).reshape(x.shape)
