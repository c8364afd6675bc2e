#!/usr/bin/env python3
"""Records trainings with PyTorch for netc to be held against (README.md beside this file).

  python3 -m venv VENV && VENV/bin/pip install torch==2.13.0 numpy h5py
  VENV/bin/python tests/training/record.py [CASE...]

Writes data.h5, initial/NETWORK.safetensors, cases/CASE.net and recorded/CASE.safetensors. The texts of the
programs come from the same descriptions (cases.py) as the PyTorch modules that are trained.
"""
import json
import math
import os
import struct
import sys

import h5py
import numpy as np
import torch

from cases import CASES, DATA, NETWORKS

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS, TRAIN_ROWS = 1000, 800
TYPES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}


def write_safetensors(path, tensors, metadata=None):
    """tensors: name → torch tensor or list of floats (as F64)."""
    header, body = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, tensor in tensors.items():
        tensor = torch.as_tensor(tensor, dtype=torch.float64) if isinstance(tensor, list) else tensor.detach()
        data = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


def make_data():
    """Five unequal Gaussian classes with 16 features; values, masses and flags that depend on these."""
    g = np.random.default_rng(20240607)
    labels = g.choice(5, ROWS, p=[0.35, 0.25, 0.2, 0.12, 0.08])
    features = g.normal(0, 1, (5, 16))[labels] * 0.8 + g.normal(0, 1, (ROWS, 16))
    values = features @ g.normal(0, 0.3, (16, 3)) + np.sin(features[:, :3]) + g.normal(0, 0.1, (ROWS, 3))
    masses = features[:, :1] * 0.5 + np.cos(features[:, 1:2]) + g.normal(0, 0.1, (ROWS, 1))
    flags = features @ g.normal(0, 0.5, (16, 4)) + g.normal(0, 0.5, (ROWS, 4)) > 0
    return {"features": features.astype(np.float32), "labels": labels.astype(np.uint8),
            "values": values.astype(np.float32), "masses": masses.astype(np.float32),
            "flags": flags.astype(np.uint8), "weights": g.uniform(0.25, 2, ROWS).astype(np.float32)}


# ------------------------------------------------------------- losses: each gives a mean and its weight sum

def cross_entropy(logits, target, weight, class_weight=None, label_smoothing=0.0):
    if class_weight == "balanced":
        counts = torch.bincount(DATA["labels"][:TRAIN_ROWS].long(), minlength=logits.shape[1])
        class_weight = TRAIN_ROWS / (logits.shape[1] * counts.double())
    if class_weight is not None:
        class_weight = torch.as_tensor(class_weight).to(logits.dtype)
    losses = torch.nn.functional.cross_entropy(logits, target.long(), weight=class_weight, reduction="none",
                                               label_smoothing=label_smoothing)
    scale = torch.ones_like(losses) if class_weight is None else class_weight[target.long()]
    return reduce(losses, scale, weight)


def per_sample(function):
    def loss(prediction, target, weight, **arguments):
        losses = function(prediction, target.to(prediction.dtype), reduction="none", **arguments)
        return reduce(losses.flatten(1).mean(1), torch.ones(len(losses)).to(losses.dtype), weight)
    return loss


def reduce(losses, scale, weight):
    """losses: a number a sample, already multiplied by scale."""
    if weight is not None:
        losses, scale = losses * weight, scale * weight
    return losses.sum() / scale.sum(), scale.sum()


LOSSES = {"cross_entropy": cross_entropy, "mse": per_sample(torch.nn.functional.mse_loss),
          "mae": per_sample(torch.nn.functional.l1_loss), "huber": per_sample(torch.nn.functional.huber_loss),
          "bce_with_logits": per_sample(torch.nn.functional.binary_cross_entropy_with_logits)}


def total_loss(case, model, x, columns, rows, dtype):
    """The sum of a case's losses over a batch, and the first one's weight sum."""
    outputs = model(x[rows])
    weight = columns["weights"][rows].to(dtype) if case.get("weight") else None
    total, weight_sum = 0, None
    for factor, name, output, target, arguments in case["loss"]:
        loss, scale = LOSSES[name](outputs[output], x[rows] if target == "input" else columns[target][rows],
                                   weight, **arguments)
        total = total + factor * loss
        weight_sum = scale if weight_sum is None else weight_sum
    return total, weight_sum

# ------------------------------------------------------------- training

OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def groups_of(case, model):
    """Parameter groups: frozen nodes left out, nodes with a rate of their own in groups of their own."""
    rate = case["optimizer"][1]["lr"]
    groups = {None: {"params": [], "lr": rate}}
    for node, own in case.get("rates", {}).items():
        groups[node] = {"params": [], "lr": own}
    for name, parameter in model.named_parameters():
        node = name.rsplit(".", 1)[0]
        if node in case.get("freeze", []):
            parameter.requires_grad_(False)
        else:
            groups[node if node in groups else None]["params"].append(parameter)
    return list(groups.values())


def batches_of(case, has_batch_norm):
    size = case["batch_size"]
    starts = list(range(0, TRAIN_ROWS, size)) + [TRAIN_ROWS]
    if has_batch_norm and starts[-1] - starts[-2] == 1:
        del starts[-2]              # a remainder of one sample joins the batch before it
    return [slice(a, b) for a, b in zip(starts, starts[1:])]


def scheduler_of(case, optimizer):
    name, arguments = case.get("schedule", ("constant", {}))
    if name == "step":
        return torch.optim.lr_scheduler.StepLR(optimizer, arguments["every"], arguments["factor"])
    if name == "cosine":
        minimum = arguments.get("minimum", 0)
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, case["epochs"], minimum)
    return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)


def train(case, initial, dtype):
    """Gives what is recorded of one whole training: name → tensor."""
    torch.set_default_dtype(dtype)      # constants inside modules, too
    model = NETWORKS[case["network"]].module().to(dtype)
    model.load_state_dict({k: v.to(dtype) if v.is_floating_point() else v for k, v in initial.items()})
    has_batch_norm = any(isinstance(m, torch.nn.BatchNorm1d) for m in model.modules())
    columns = DATA
    x = columns["features"].to(dtype)
    name, arguments = case["optimizer"]
    arguments = {{"epsilon": "eps"}.get(k, k): v for k, v in arguments.items()}
    if "beta1" in arguments:
        arguments["betas"] = (arguments.pop("beta1"), arguments.pop("beta2"))
    optimizer = OPTIMIZERS[name](groups_of(case, model), **arguments)
    # the scheduler changes the rates of a twin, so that warm-up does not disturb the recursions inside it
    twin = torch.optim.SGD([{"params": [torch.zeros(1)], "lr": g["lr"]} for g in optimizer.param_groups])
    scheduler = scheduler_of(case, twin)
    batches = batches_of(case, has_batch_norm)
    warmup = round(case.get("schedule", ("", {}))[1].get("warmup", 0) * len(batches))
    # one step's gradients: with the initial weights, on the last batch of an epoch (maybe a remainder)
    model.train()
    total_loss(case, model, x, columns, batches[-1], dtype)[0].backward()
    gradients = {k: p.grad.clone() for k, p in model.named_parameters() if p.grad is not None}
    model.load_state_dict({k: v.to(dtype) if v.is_floating_point() else v for k, v in initial.items()})
    losses, weight_sums, validation = [], [], []
    step = 0
    for _ in range(case["epochs"]):
        model.train()
        for rows in batches:
            for group, reference in zip(optimizer.param_groups, twin.param_groups):
                group["lr"] = reference["lr"] * ((step + 1) / warmup if step < warmup else 1)
            optimizer.zero_grad()
            loss, weight_sum = total_loss(case, model, x, columns, rows, dtype)
            loss.backward()
            if "clip" in case:
                torch.nn.utils.clip_grad_norm_(model.parameters(), case["clip"])
            optimizer.step()
            losses.append(loss.item())
            weight_sums.append(weight_sum.item())
            step += 1
        twin.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            validation.append(total_loss(case, model, x, columns, slice(TRAIN_ROWS, ROWS), dtype)[0].item())
    final = {k: v for k, v in model.state_dict().items() if v.is_floating_point()}
    return losses, weight_sums, validation, gradients, final


def distance(a, b):
    """As compare.c has it: largest difference over largest magnitude."""
    a, b = torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64)
    return ((a - b).abs().max() / b.abs().max()).item() if b.abs().max() else a.abs().max().item()


def record(name, case, with_gradients):
    network = NETWORKS[case["network"]]
    initial = initial_weights(case["network"])
    before_norm = network.before_norm
    tolerance = 1e-4 if before_norm is not None else 1e-5
    tensors, worst = {}, {}
    runs = {"float32": train(case, initial, torch.float32), "float64": train(case, initial, torch.float64)}
    for kind, (losses, weight_sums, validation, gradients, final) in runs.items():
        if not all(map(math.isfinite, losses + validation)):
            raise SystemExit(f"{name}: a loss is not finite")
        if kind == "float64":
            tensors["weight_sum"] = weight_sums
        tensors[f"{kind}.loss"] = losses
        tensors[f"{kind}.validation_loss"] = validation
        if with_gradients:
            tensors.update({f"{kind}.gradient.{k}": v for k, v in gradients.items()})
        tensors.update({f"{kind}.final.{k}": v for k, v in final.items()})
    # the true gradient of a bias before a batch-norm is 0: Adam makes steps of what rounding leaves of it,
    # and the running mean behind it follows
    skipped = [f"{k}.bias" for k in before_norm or []]
    if case["optimizer"][0] != "sgd":
        skipped += [f"{k.rsplit('.', 1)[0]}.batch_norm_1.running_mean" for k in before_norm or []]
    for key in tensors:
        if key.startswith("float64.") and not any(key.endswith("." + s) for s in skipped):
            worst[key[8:]] = distance(tensors["float32" + key[7:]], tensors[key])
    at = max(worst, key=worst.get)
    losses = runs["float64"][0]
    print(f"{name}: {len(losses)} steps, loss {losses[0]:.4f} to {losses[-1]:.4f}, tolerance {tolerance:g}, "
          f"PyTorch's own distance {worst[at]:.1e} ({at})")
    write_safetensors(os.path.join(HERE, "recorded", name + ".safetensors"), tensors,
                      {"tolerance": f"{tolerance:g}", "network": case["network"], "skip": ",".join(skipped),
                       "torch": torch.__version__})


def initial_weights(name):
    """PyTorch's own initial weights, but normalisations get weights and biases that matter."""
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(sum(map(ord, name)))
    model = NETWORKS[name].module()
    for module in model.modules():
        if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.LayerNorm)) and module.weight is not None:
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    return {k: v.clone() for k, v in model.state_dict().items()}


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for folder in ("cases", "initial", "recorded"):
        os.makedirs(os.path.join(HERE, folder), exist_ok=True)
    data = make_data()
    DATA.update({k: torch.from_numpy(v) for k, v in data.items()})
    with h5py.File(os.path.join(HERE, "data.h5"), "w") as file:
        for key, values in data.items():
            file.create_dataset(key, data=values, compression="gzip", compression_opts=9, shuffle=True)
    for name in NETWORKS:
        write_safetensors(os.path.join(HERE, "initial", name + ".safetensors"), initial_weights(name))
    seen = set()
    for name, case in CASES.items():
        # gradients are the same for every optimiser and schedule: recorded once
        key = repr([case.get(k) for k in ("network", "loss", "batch_size", "weight", "freeze")])
        assert key in seen or "clip" not in case
        with open(os.path.join(HERE, "cases", name + ".net"), "w") as file:
            file.write(program(name, case))
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            record(name, case, key not in seen)
        seen.add(key)


# ------------------------------------------------------------- the same case in netc's language

def call(name, arguments):
    inner = ", ".join(f"{k} = {literal(v)}" for k, v in arguments.items())
    return f"{name}({inner})" if inner else name


def literal(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, float):
        text = f"{value:.12g}"
        return text if "." in text or "e" in text else text + ".0"
    return json.dumps(value)


def block(head, settings, tail=()):
    """settings: (key, value) pairs, their equals signs in a column, as `netc fmt` has them."""
    width = max(len(key) for key, _ in settings)
    return [head + " {", *(f"  {key:{width}} = {value}" for key, value in settings), *tail, "}", ""]


def program(name, case):
    network = NETWORKS[case["network"]]
    targets = list(dict.fromkeys(t for _, _, _, t, _ in case["loss"]))
    target = "input" if targets == ["input"] else literal(targets if len(targets) > 1 else targets[0])
    terms = []
    for factor, loss, output, column, arguments in case["loss"]:
        words = [network.nodes[output]] if len(case["loss"]) > 1 else []
        words += [literal(column)] if len(targets) > 1 else []
        words += [f"{k} = {'balanced' if v == 'balanced' else literal(v)}" for k, v in arguments.items()]
        text = loss + (f"({', '.join(words)})" if words else "")
        terms.append(text if factor == 1 else f"{literal(factor)} * {text}")
    optimizer, arguments = case["optimizer"]
    arguments = {{"lr": "learning_rate"}.get(k, k): v for k, v in arguments.items()}

    data = [("source", 'hdf5("../data.h5")'), ("input", '"features"'), ("target", target)]
    data += [("weight", '"weights"')] if case.get("weight") else []
    data += [("split", "{ train = 0.8, validation = 0.2 }")]
    train = [("data", "recorded"), ("loss", " + ".join(terms)), ("optimizer", call(optimizer, arguments))]
    train += [("schedule", call(*case["schedule"]))] if "schedule" in case else []
    train += [("epochs", case["epochs"]), ("batch_size", case["batch_size"]), ("shuffle", "false")]
    train += [("clip_norm", literal(case["clip"]))] if "clip" in case else []
    train += [("freeze", literal(case["freeze"]))] if "freeze" in case else []
    rates = [f'  "{node}" {{ learning_rate = {rate} }}' for node, rate in case.get("rates", {}).items()]
    blocks = [*block("data recorded", data), network.text, "", *block("train", train, rates)]
    return "\n".join([f"# {case['about']}", "", *blocks])


if __name__ == "__main__":
    main()
