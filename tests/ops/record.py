#!/usr/bin/env python3
"""Records what PyTorch computes in float64 for the operators of netc: results, gradients, optimiser steps.

    python3 tests/ops/record.py > tests/ops/recorded.txt

The tests read the file (tests/unit/ops_recorded.c) and need no PyTorch. A case is a graph in netc's text form whose
node "y" is the one asked for gradients, given dy where it is no loss; numbers are decimal, inputs short ones:

    case NAME            graph LINES end        count SAMPLES        step NUMBER
    set VALUE NUMBERS    expect VALUE NUMBERS   gradient VALUE NUMBERS
"""
import torch
import torch.nn.functional as F

torch.manual_seed(20240101)
torch.set_default_dtype(torch.float64)


def draw(*shape, low=-2.0, high=2.0):
    return (torch.rand(*shape) * (high - low) + low).mul(1000).round().div(1000)


def numbers(tensor):
    return " ".join(repr(x) for x in tensor.detach().double().flatten().tolist())


def case(name, lines, count, inputs, expect, step=None, wanted=(), dy=None, loss=None):
    """wanted: names among the inputs whose gradient is recorded, of sum(dy * y) or of the loss."""
    print(f"case {name}\ngraph\n{lines.strip()}\nend\ncount {count}")
    if step is not None:
        print(f"step {step}")
    for key, value in inputs.items():
        print(f"set {key} {numbers(value)}")
    for key, value in expect.items():
        print(f"expect {key} {numbers(value)}")
    if wanted:
        total = loss if loss is not None else (dy * expect["y"]).sum()
        if dy is not None:
            print(f"set dy {numbers(dy)}")
        for key, gradient in zip(wanted, torch.autograd.grad(total, [inputs[key] for key in wanted])):
            print(f"gradient {key} {numbers(gradient)}")
    print()


def dims(shape, batched=True):
    parts = (["b"] if batched else []) + [str(n) for n in shape]
    return "[" + ", ".join(parts) + "]" if parts else ""


def call(name, op, inputs, function, attributes="", count=3, outputs="", lines="", fixed=(), arguments=None):
    """inputs: name -> (kind, shape). function gives y, or y and a dict of further results. lines: nodes after y.
    fixed: inputs that get no gradient."""
    text, values = "", {}
    for key, (kind, shape) in inputs.items():
        batched = kind == "input"
        start = "" if batched else " = 0"
        text += f"{kind} {key}: f32{dims(shape, batched)}{start}\n"
        full = ([count] if batched else []) + list(shape)
        values[key] = draw(*full) if key != "v" else draw(*full, low=0.2)
        if key not in fixed:
            values[key].requires_grad_()
    result = function(*values.values())
    y, further = result if isinstance(result, tuple) else (result, {})
    batched = any(kind == "input" for kind, _ in inputs.values())
    text += f"y: f32{dims(y.shape[1:] if batched else y.shape, batched)}{outputs} = {op}({arguments or ', '.join(values)})"
    text += f" {{{attributes}}}\n" if attributes else "\n"
    text += lines
    case(name, text, count, values, {"y": y, **further}, wanted=[k for k in values if k not in fixed],
         dy=draw(*y.shape))


def x(*shape):
    return {"x": ("input", shape)}


# ---- layers ----

def linear(rank, bias):
    inner = [2, 3][:rank - 1] + [5]
    inputs = {**x(*inner), "w": ("parameter", [4, 5])}
    if bias:
        inputs["c"] = ("parameter", [4])
    call(f"linear of rank {rank}{'' if bias else ' without bias'}", "linear", inputs, F.linear,
         "features = 4" + ("" if bias else ", bias = false"))


linear(1, True)
linear(3, True)
linear(1, False)


def batch_norm(shape, affine, training, epsilon=1e-5, momentum=0.1, count=6):
    channels = shape[0]
    inputs = x(*shape)
    if affine:
        inputs.update(w=("parameter", [channels]), c=("parameter", [channels]))
    inputs.update(m=("statistic", [channels]), v=("statistic", [channels]))

    def run(x, *rest):
        weight, bias = (rest[0], rest[1]) if affine else (None, None)
        mean, var = rest[-2].clone(), rest[-1].clone()
        y = F.batch_norm(x, mean, var, weight, bias, training, momentum, epsilon)
        if not training:
            return y, {}
        over = [d for d in range(x.dim()) if d != 1]
        return y, {"y.mean": x.mean(over), "y.inverse": 1 / (x.var(over, unbiased=False) + epsilon).sqrt(),
                   "y.variance": x.var(over, unbiased=True), "new_m": mean, "new_v": var}

    name = f"batch_norm {shape}{'' if affine else ' not affine'}{'' if training else ' in inference'}"
    outputs = "".join(f", {k}: f32[{channels}]" for k in ("mean", "inverse", "variance"))
    attributes = f"epsilon = {epsilon}, momentum = {momentum}"
    attributes += ("" if affine else ", affine = false") + (", training = true" if training else "")
    lines = ""
    if training:
        lines = "".join(f"new_{s}: f32[{channels}] = running_update({s}, y.{o}) {{momentum = {momentum}}}\n"
                        for s, o in (("m", "mean"), ("v", "variance")))
    fixed = ("m", "v") if training else tuple(inputs)
    call(name, "batch_norm", inputs, run, attributes, count, outputs, lines, fixed,
         "x, w, c, m, v" if affine else "x, _, _, m, v")


def layer_norm(shape, rank, affine, epsilon=1e-5):
    inner = shape[len(shape) - rank:]
    inputs = x(*shape)
    if affine:
        inputs.update(w=("parameter", inner), c=("parameter", inner))

    def run(x, weight=None, bias=None):
        over = list(range(x.dim() - rank, x.dim()))
        return F.layer_norm(x, inner, weight, bias, epsilon), {
            "y.mean": x.mean(over), "y.inverse": 1 / (x.var(over, unbiased=False) + epsilon).sqrt()}

    leading = shape[:len(shape) - rank]
    call(f"layer_norm {shape} over {rank}{'' if affine else ' not affine'}", "layer_norm", inputs, run,
         f"dims = {rank}, epsilon = {epsilon}" + ("" if affine else ", affine = false"),
         outputs=f", mean: f32{dims(leading)}, inverse: f32{dims(leading)}")


batch_norm([4], True, True)
batch_norm([3, 2, 2], True, True, epsilon=0.01, momentum=0.3)
batch_norm([3, 2], False, True)
batch_norm([3, 2], True, False)
batch_norm([3], False, False)
layer_norm([6], 1, True)
layer_norm([2, 3, 2], 2, True, epsilon=0.01)
layer_norm([4, 2], 1, False)

for name, function, attributes in [
        ("relu", F.relu, ""), ("leaky_relu", F.leaky_relu, ""),
        ("leaky_relu", lambda x: F.leaky_relu(x, 0.3), "slope = 0.3"), ("sigmoid", torch.sigmoid, ""),
        ("tanh", torch.tanh, ""), ("gelu", F.gelu, ""),
        ("gelu", lambda x: F.gelu(x, approximate="tanh"), "approximate = tanh"), ("silu", F.silu, "")]:
    call(f"{name} {attributes}".strip(), name, x(2, 4), function, attributes, count=2)
for name, function in [("softmax", F.softmax), ("log_softmax", F.log_softmax)]:
    call(name, name, x(4), lambda x: function(x, -1))
    call(f"{name} of an axis", name, x(3, 2), lambda x: function(x, 1), "axis = 0", count=2)
call("dropout in inference", "dropout", x(4), lambda x: F.dropout(x, 0.4, training=False), "p = 0.4")

# ---- arithmetic, movement, reductions ----

for name, function in [("add", torch.add), ("sub", torch.sub), ("mul", torch.mul)]:
    call(name, name, {**x(2, 3), "a": ("input", (2, 3))}, function, count=2)
    call(f"{name} with a parameter", name, {**x(2, 3), "a": ("parameter", (3,))}, function, count=2)
call("mul broadcast both ways", "mul", {**x(2, 1), "a": ("input", (1, 3))}, torch.mul, count=2)
call("add of a lower rank", "add", {**x(3), "a": ("input", (2, 3))}, lambda x, a: x[:, None] + a, count=2)
call("concat", "concat", {**x(2, 3), "a": ("input", (2, 1))}, lambda x, a: torch.cat([x, a], 2), "axis = 1", count=2)
call("reshape", "reshape", x(2, 6), lambda x: x.reshape(-1, 3, 4), "shape = [3, -1]", count=2)
call("flatten", "flatten", x(2, 3), lambda x: x.flatten(1), count=2)
call("slice", "slice", x(5, 2), lambda x: x[:, 1:4], "axis = 0, begin = 1, end = 4", count=2)
for name, function in [("sum", torch.sum), ("mean", torch.mean), ("max", torch.amax)]:
    call(f"{name} of all", name, x(2, 3), lambda x: function(x, [1, 2]), count=2)
    call(f"{name} of axes", name, x(2, 3, 2), lambda x: function(x, [1, 3]), "axes = [0, -1]", count=2)
    call(f"{name} kept", name, x(2, 3), lambda x: function(x, [2], keepdim=True), "axes = [1], keep = true", count=2)

ties = torch.tensor([[[1.0, 3, 3], [2, 2, 2]]], requires_grad=True)
case("max with ties", "input x: f32[b, 2, 3]\ny: f32[b, 2] = max(x) {axes = [1]}", 1, {"x": ties},
     {"y": torch.amax(ties, [2])}, wanted=["x"], dy=draw(1, 2))

# ---- losses ----


def cross_entropy(name, weighted, sampled, smoothing, count=4):
    logits, target = draw(count, 5).requires_grad_(), torch.randint(0, 5, (count,))
    weight = torch.tensor([0.5, 2.0, 1.0, 0.25, 3.0]) if weighted else None
    lines = "input x: f32[b, 5]\ntarget t: u32[b]\n"
    lines += "constant c: f32[5] = [0.5, 2, 1, 0.25, 3]\n" if weighted else ""
    lines += "weight s: f32[b]\n" if sampled else ""
    arguments = ["x", "t", "c" if weighted else "_", "s" if sampled else "_"]
    lines += f"y: f32, weight_sum: f32, probability: f32[b, 5] = cross_entropy({', '.join(arguments)})"
    lines += f" {{label_smoothing = {smoothing}}}\n" if smoothing else "\n"
    inputs = {"x": logits, "t": target}
    each = F.cross_entropy(logits, target, weight, reduction="none", label_smoothing=smoothing)
    total = weight[target] if weighted else torch.ones(count)
    if sampled:
        inputs["s"] = draw(count, low=0.2)
        loss, total = (each * inputs["s"]).sum(), total * inputs["s"]
        loss = loss / total.sum()
    else:
        loss = F.cross_entropy(logits, target, weight, label_smoothing=smoothing)
    case(name, lines, count, inputs, {"y": loss, "y.weight_sum": total.sum(), "y.probability": logits.softmax(1)},
         wanted=["x"], loss=loss)


cross_entropy("cross_entropy", False, False, 0.0)
cross_entropy("cross_entropy with class weights", True, False, 0.0)
cross_entropy("cross_entropy with sample weights", False, True, 0.0)
cross_entropy("cross_entropy smoothed", False, False, 0.1)
cross_entropy("cross_entropy with all", True, True, 0.3)


def regression(op, function, sampled, attributes="", shape=(3,), count=4, target=draw):
    prediction, wanted = draw(count, *shape).requires_grad_(), target(count, *shape)
    lines = f"input x: f32{dims(shape)}\ntarget t: f32{dims(shape)}\n" + ("weight s: f32[b]\n" if sampled else "")
    lines += f"y: f32, weight_sum: f32 = {op}(x, t{', s' if sampled else ''})" + attributes + "\n"
    inputs, total = {"x": prediction, "t": wanted}, torch.ones(count)
    loss = function(prediction, wanted, reduction="mean")
    if sampled:
        inputs["s"] = total = draw(count, low=0.2)
        each = function(prediction, wanted, reduction="none").flatten(1).mean(1)
        loss = (each * total).sum() / total.sum()
    case(f"{op}{' weighted' if sampled else ''}", lines, count, inputs, {"y": loss, "y.weight_sum": total.sum()},
         wanted=["x"], loss=loss)


for sampled in (False, True):
    regression("mse", F.mse_loss, sampled, shape=(2, 2))
    regression("mae", F.l1_loss, sampled)
    regression("huber", F.huber_loss, sampled)
    regression("bce_with_logits", F.binary_cross_entropy_with_logits, sampled,
               target=lambda *s: draw(*s, low=0.0, high=1.0))
regression("huber", lambda *a, **k: F.huber_loss(*a, delta=0.4, **k), False, " {delta = 0.4}")

# ---- optimisers: three steps each ----


def optimizer(name, op, make, outputs, arguments, attributes, states):
    parameter = draw(2, 2).requires_grad_()
    opt = make([parameter])
    rate = opt.param_groups[0]["lr"]
    beta1, beta2 = opt.param_groups[0].get("betas", (0.9, 0.999))
    for step in range(3):
        state = opt.state[parameter]
        inputs = {"p": parameter.detach().clone(), "g": draw(2, 2), "r": torch.tensor(rate)}
        lines = "parameter p: f32[2, 2] = 0\nparameter g: f32[2, 2] = 0\nscalar r: f32 = rate(0)\n"
        if op != "sgd":
            inputs["c1"] = torch.tensor(1 / (1 - beta1 ** (step + 1)))
            inputs["c2"] = torch.tensor(1 / (1 - beta2 ** (step + 1)) ** 0.5)
            lines += f"scalar c1: f32 = correction1({beta1})\nscalar c2: f32 = correction2({beta2})\n"
        for key, torch_key, _ in states:
            before = state.get(torch_key)
            inputs[key] = torch.zeros(2, 2) if before is None else before.clone()
            lines += f"state {key}: f32[2, 2] = 0\n"
        lines += f"y: f32[2, 2], {outputs} = {op}({arguments})" + attributes + "\n"
        parameter.grad = inputs["g"].clone()
        opt.step()
        expect = {"y": parameter} | {f"y.{out}": opt.state[parameter][torch_key] for _, torch_key, out in states}
        case(f"{name}, step {step}", lines, 1, inputs, expect, step=step)


plain, velocity = "new_velocity: f32", "new_velocity: f32[2, 2]"
buffer = [("v", "momentum_buffer", "new_velocity")]
moments = [("m", "exp_avg", "new_exp_avg"), ("v", "exp_avg_sq", "new_exp_avg_sq")]
adam_outputs, adam_arguments = "new_exp_avg: f32[2, 2], new_exp_avg_sq: f32[2, 2]", "p, g, r, c1, c2, m, v"
optimizer("sgd", "sgd", lambda p: torch.optim.SGD(p, lr=0.1), plain, "p, g, r", "", [])
optimizer("sgd decaying", "sgd", lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.2), plain, "p, g, r",
          " {weight_decay = 0.2}", [])
optimizer("sgd with momentum", "sgd",
          lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.1), velocity, "p, g, r, v", " {momentum = 0.9, dampening = 0.3, weight_decay = 0.1}", buffer)
optimizer("sgd of nesterov", "sgd", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True), velocity,
          "p, g, r, v", " {momentum = 0.8, nesterov = true}", buffer)
optimizer("adam", "adam", lambda p: torch.optim.Adam(p, lr=0.01), adam_outputs, adam_arguments, "", moments)
optimizer("adam decaying", "adam",
          lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1), adam_outputs,
          adam_arguments, " {beta1 = 0.8, beta2 = 0.95, epsilon = 0.001, weight_decay = 0.1}", moments)
optimizer("adamw", "adamw", lambda p: torch.optim.AdamW(p, lr=0.01), adam_outputs, adam_arguments, "", moments)
optimizer("adamw decaying", "adamw", lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.3), adam_outputs,
          adam_arguments, " {weight_decay = 0.3}", moments)


def clip(name, max_norm):
    a, b = draw(2, 2), draw(3)
    p, q = torch.zeros(2, 2, requires_grad=True), torch.zeros(3, requires_grad=True)
    p.grad, q.grad = a.clone(), b.clone()
    torch.nn.utils.clip_grad_norm_([p, q], max_norm)
    case(name, f"""parameter a: f32[2, 2] = 0
parameter c: f32[3] = 0
as: f32 = sum_squares(a)
cs: f32 = sum_squares(c)
total: f32 = add(as, cs)
factor: f32 = clip_factor(total) {{max = {max_norm}}}
ac: f32[2, 2] = mul(a, factor)
cc: f32[3] = mul(c, factor)""", 1, {"a": a, "c": b}, {"ac": p.grad, "cc": q.grad})


clip("clipping", 1.5)
clip("clipping that does nothing", 50.0)
