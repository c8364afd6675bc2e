"""What is recorded: networks, once as PyTorch modules and once in netc's language, and trainings of them."""
import torch
from torch import nn
from torch.nn import functional as F

DATA = {}       # columns of data.h5 as tensors


class Net(nn.Module):
    """Modules under the names that netc gives its nodes ("dense_1.linear_1"), and a function over them."""

    def __init__(self, modules, function):
        super().__init__()
        self.function = function
        self.nodes = {}
        for path, module in modules.items():
            holder = self
            *outer, last = path.split(".")
            for part in outer:
                if not hasattr(holder, part):
                    holder.add_module(part, nn.Module())
                holder = getattr(holder, part)
            holder.add_module(last, module)
            self.nodes[path] = module

    def forward(self, x):
        y = self.function(lambda path, value: self.nodes[path](value), x)
        return y if isinstance(y, tuple) else (y,)


class Network:
    def __init__(self, text, modules, function, nodes=("",), before_norm=None):
        self.text = text.strip()
        self.module = lambda: Net(modules(), function)
        self.nodes = nodes              # what its outputs are called in the program
        self.before_norm = before_norm  # linear nodes that feed a batch-norm; None: there is no batch-norm


def chain(*stages):
    """Paths of modules and functions, one after the other."""
    def function(node, x):
        for stage in stages:
            x = node(stage, x) if isinstance(stage, str) else stage(x)
        return x
    return function


def linears(*sizes):
    return lambda: {f"linear_{i + 1}": nn.Linear(a, b) for i, (a, b) in enumerate(zip(sizes, sizes[1:]))}


def dense(path, a, b, bias=True):
    return {f"{path}.linear_1": nn.Linear(a, b, bias=bias), f"{path}.batch_norm_1": nn.BatchNorm1d(b)}


def through(path, activation=torch.relu):
    return f"{path}.linear_1", f"{path}.batch_norm_1", activation


NETWORKS = {}

NETWORKS["small"] = Network("""
network small(x: f32[16]) {
  x -> linear(20) -> relu -> linear(12) -> relu -> linear(5)
}
""", linears(16, 20, 12, 5), chain("linear_1", torch.relu, "linear_2", torch.relu, "linear_3"))

NETWORKS["smooth"] = Network("""
network smooth(x: f32[16]) {
  x -> linear(20) -> tanh -> linear(12) -> tanh -> head: linear(5)
}
""", lambda: {"linear_1": nn.Linear(16, 20), "linear_2": nn.Linear(20, 12), "head": nn.Linear(12, 5)},
    chain("linear_1", torch.tanh, "linear_2", torch.tanh, "head"))

NETWORKS["three_layer"] = Network("""
network three_layer(x: f32[16]) {
  x -> linear(64) -> relu -> linear(32) -> relu -> linear(32) -> relu -> linear(5)
}
""", linears(16, 64, 32, 32, 5),
    chain("linear_1", torch.relu, "linear_2", torch.relu, "linear_3", torch.relu, "linear_4"))

NETWORKS["test_hhy"] = Network("""
layer dense(x, n) = x -> linear(n) -> batch_norm -> relu

network test_hhy(x: f32[16]) {
  x -> batch_norm -> relu -> dense(32) -> dense(16) -> dense(8) -> head: dense(5)
}
""", lambda: {"batch_norm_1": nn.BatchNorm1d(16), **dense("dense_1", 16, 32), **dense("dense_2", 32, 16),
              **dense("dense_3", 16, 8), **dense("head", 8, 5)},
    chain("batch_norm_1", torch.relu, *through("dense_1"), *through("dense_2"), *through("dense_3"),
          *through("head")),
    before_norm=["dense_1.linear_1", "dense_2.linear_1", "dense_3.linear_1", "head.linear_1"])

NETWORKS["jsc_tiny"] = Network("""
layer dense(x, n) = x -> linear(n) -> batch_norm -> relu

network jsc_tiny(x: f32[16]) {
  x -> batch_norm -> relu -> dense(5)
}
""", lambda: {"batch_norm_1": nn.BatchNorm1d(16), **dense("dense_1", 16, 5)},
    chain("batch_norm_1", torch.relu, *through("dense_1")), before_norm=["dense_1.linear_1"])

NETWORKS["norm_no_bias"] = Network("""
layer dense(x, n) {
  x -> linear(n, bias = false) -> batch_norm(momentum = 0.2, epsilon = 1e-3) -> silu
}

network norm_no_bias(x: f32[16]) {
  x -> dense(12) -> dense(8) -> batch_norm(affine = false) -> linear(5)
}
""", lambda: {"dense_1.linear_1": nn.Linear(16, 12, bias=False),
              "dense_1.batch_norm_1": nn.BatchNorm1d(12, momentum=0.2, eps=1e-3),
              "dense_2.linear_1": nn.Linear(12, 8, bias=False),
              "dense_2.batch_norm_1": nn.BatchNorm1d(8, momentum=0.2, eps=1e-3),
              "batch_norm_1": nn.BatchNorm1d(8, affine=False), "linear_1": nn.Linear(8, 5)},
    chain(*through("dense_1", F.silu), *through("dense_2", F.silu), "batch_norm_1", "linear_1"),
    before_norm=[])

NETWORKS["layer_norm"] = Network("""
network layer_norm(x: f32[16]) {
  x -> layer_norm -> linear(16) -> relu -> layer_norm(epsilon = 1e-3) -> linear(12) -> relu
    -> layer_norm(affine = false) -> linear(5)
}
""", lambda: {"layer_norm_1": nn.LayerNorm(16), "linear_1": nn.Linear(16, 16),
              "layer_norm_2": nn.LayerNorm(16, eps=1e-3), "linear_2": nn.Linear(16, 12),
              "layer_norm_3": nn.LayerNorm(12, elementwise_affine=False), "linear_3": nn.Linear(12, 5)},
    chain("layer_norm_1", "linear_1", torch.relu, "layer_norm_2", "linear_2", torch.relu, "layer_norm_3",
          "linear_3"))

NETWORKS["activations"] = Network("""
network activations(x: f32[16]) {
  x -> linear(10) -> leaky_relu -> linear(10) -> gelu -> linear(10) -> silu
    -> linear(10) -> sigmoid -> linear(5)
}
""", linears(16, 10, 10, 10, 10, 5),
    chain("linear_1", F.leaky_relu, "linear_2", F.gelu, "linear_3", F.silu, "linear_4", torch.sigmoid,
          "linear_5"))

NETWORKS["activations_more"] = Network("""
network activations_more(x: f32[16]) {
  x -> linear(10) -> leaky_relu(slope = 0.2) -> linear(10) -> gelu(approximate = tanh)
    -> linear(10) -> tanh -> linear(6) -> softmax -> linear(8) -> log_softmax -> linear(5)
}
""", lambda: {"linear_1": nn.Linear(16, 10), "linear_2": nn.Linear(10, 10), "linear_3": nn.Linear(10, 10),
              "linear_4": nn.Linear(10, 6), "linear_5": nn.Linear(6, 8), "linear_6": nn.Linear(8, 5)},
    chain("linear_1", lambda x: F.leaky_relu(x, 0.2), "linear_2", lambda x: F.gelu(x, approximate="tanh"),
          "linear_3", torch.tanh, "linear_4", lambda x: torch.softmax(x, -1), "linear_5",
          lambda x: torch.log_softmax(x, -1), "linear_6"))


def structure(node, x):
    a = torch.tanh(node("linear_1", x))
    b = torch.sigmoid(node("linear_2", x))
    scale = node("linear_3", x)
    grid = torch.cat([a * b + scale, a - b], 1).reshape(-1, 4, 6)
    return node("linear_4", torch.cat([grid.mean(2), grid.amax(1), grid.sum(1, keepdim=True).flatten(1)], 1))


NETWORKS["structure"] = Network("""
network structure(x: f32[16]) {
  a     = x -> linear(12) -> tanh
  b     = x -> linear(12, bias = false) -> sigmoid
  scale = x -> linear(1)
  grid  = concat(a * b + scale, a - b) -> reshape([4, 6])
  means = grid -> mean(axes = [1])
  tops  = grid -> max(axes = [0])
  sums  = grid -> sum(axes = [0], keep = true) -> flatten
  concat(means, tops, sums) -> dropout(p = 0.0) -> linear(5)
}
""", lambda: {"linear_1": nn.Linear(16, 12), "linear_2": nn.Linear(16, 12, bias=False),
              "linear_3": nn.Linear(16, 1), "linear_4": nn.Linear(16, 5)}, structure)

NETWORKS["regression"] = Network("""
network regression(x: f32[16]) {
  x -> linear(16) -> gelu -> linear(3)
}
""", linears(16, 16, 3), chain("linear_1", F.gelu, "linear_2"))

NETWORKS["flags"] = Network("""
network flags(x: f32[16]) {
  x -> linear(16) -> relu -> linear(4)
}
""", linears(16, 16, 4), chain("linear_1", torch.relu, "linear_2"))

NETWORKS["two_heads"] = Network("""
network two_heads(x: f32[16]) {
  h      = x -> linear(16) -> silu
  logits = h -> linear(5)
  mass   = h -> linear(1)
  (logits -> softmax, mass)
}
""", lambda: {"linear_1": nn.Linear(16, 16), "linear_2": nn.Linear(16, 5), "linear_3": nn.Linear(16, 1)},
    lambda node, x: (lambda h: (node("linear_2", h), node("linear_3", h)))(F.silu(node("linear_1", x))),
    nodes=("logits", "mass"))

NETWORKS["autoencoder"] = Network("""
network autoencoder(x: f32[16]) {
  x -> linear(6) -> tanh -> linear(16)
}
""", linears(16, 6, 16), chain("linear_1", torch.tanh, "linear_2"))

# ------------------------------------------------------------- trainings

CLASSES = [(1, "cross_entropy", 0, "labels", {})]
CASES = {}


def case(name, about, network="small", loss=None, optimizer=("adam", {"lr": 1e-3}), epochs=12, batch_size=32,
         **more):
    CASES[name] = {"about": about, "network": network, "loss": loss or CLASSES, "optimizer": optimizer,
                   "epochs": epochs, "batch_size": batch_size, **more}


SGD = ("sgd", {"lr": 0.05})
MOMENTUM = ("sgd", {"lr": 0.02, "momentum": 0.9})

case("sgd", "Plain stochastic gradient descent", optimizer=SGD)
case("sgd_momentum", "Momentum", optimizer=MOMENTUM)
case("sgd_nesterov", "Nesterov's momentum",
     optimizer=("sgd", {"lr": 0.02, "momentum": 0.9, "nesterov": True}))
case("sgd_weight_decay", "Weight decay and momentum",
     optimizer=("sgd", {"lr": 0.02, "momentum": 0.8, "weight_decay": 0.01}))
case("adam", "Adam", "smooth")
case("adam_weight_decay", "Adam with weight decay inside the gradient",
     optimizer=("adam", {"lr": 2e-3, "weight_decay": 0.02}))
case("adam_betas", "Adam with its constants changed",
     optimizer=("adam", {"lr": 2e-3, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6}))
case("adamw", "AdamW with its own default of weight decay", "smooth", optimizer=("adamw", {"lr": 2e-3}))
case("adamw_weight_decay", "AdamW with strong weight decay", "smooth",
     optimizer=("adamw", {"lr": 2e-3, "weight_decay": 0.1}))

case("schedule_step", "A rate that halves every fourth epoch", schedule=("step", {"every": 4, "factor": 0.5}))
case("schedule_cosine", "A cosine down to a minimum", schedule=("cosine", {"minimum": 1e-5}))
case("schedule_warmup", "Constant after two epochs of warm-up", optimizer=SGD,
     schedule=("constant", {"warmup": 2}))
case("schedule_step_warmup", "Steps after less than one epoch of warm-up", optimizer=MOMENTUM,
     schedule=("step", {"every": 3, "factor": 0.3, "warmup": 0.4}))
case("schedule_cosine_warmup", "A cosine after one epoch of warm-up", optimizer=("adamw", {"lr": 3e-3}),
     schedule=("cosine", {"minimum": 1e-4, "warmup": 1}))

case("class_weights", "Cross entropy with class weights", "smooth",
     [(1, "cross_entropy", 0, "labels", {"class_weight": [0.5, 1.0, 1.5, 2.0, 3.0]})])
case("class_weights_balanced", "Cross entropy with class weights from the labels", "smooth",
     [(1, "cross_entropy", 0, "labels", {"class_weight": "balanced"})])
case("label_smoothing", "Cross entropy with smoothed labels", "smooth",
     [(1, "cross_entropy", 0, "labels", {"label_smoothing": 0.1})])
case("label_smoothing_weights", "Cross entropy with smoothed labels and class weights", "smooth",
     [(1, "cross_entropy", 0, "labels", {"class_weight": [0.5, 1.0, 1.5, 2.0, 3.0], "label_smoothing": 0.2})])
case("mse", "Mean squared error", "regression", [(1, "mse", 0, "values", {})])
case("mae", "Mean absolute error", "regression", [(1, "mae", 0, "values", {})])
case("huber", "Huber loss", "regression", [(1, "huber", 0, "values", {})])
case("huber_delta", "Huber loss with a small delta", "regression",
     [(1, "huber", 0, "values", {"delta": 0.3})])
case("bce_with_logits", "Binary cross entropy on four flags", "flags",
     [(1, "bce_with_logits", 0, "flags", {})])
case("weighted_sum", "Cross entropy and a part of a mean squared error, on two nodes", "two_heads",
     [(1, "cross_entropy", 0, "labels", {}), (0.3, "mse", 1, "masses", {})])
case("autoencoder", "The input as target", "autoencoder", [(1, "mse", 0, "input", {})])

case("test_hhy_sgd", "Batch-norm behind every linear, momentum", "test_hhy", optimizer=MOMENTUM)
case("test_hhy_adam", "Batch-norm behind every linear, Adam", "test_hhy")
case("jsc_tiny", "One linear between two batch-norms, Nesterov's momentum", "jsc_tiny",
     optimizer=("sgd", {"lr": 0.02, "momentum": 0.9, "nesterov": True}))
case("norm_no_bias",
     "Batch-norm behind linears without bias, with its constants changed, and without weights",
     "norm_no_bias")
case("layer_norm", "Layer-norm with and without weights", "layer_norm")
case("three_layer", "16-64-32-32-5 without batch-norm", "three_layer")
case("activations", "leaky_relu, gelu, silu, sigmoid", "activations")
case("activations_more",
     "leaky_relu with a slope, gelu by tanh, tanh, softmax and log_softmax inside", "activations_more")
case("structure", "Branches, broadcasting, reductions, reshape, and dropout that drops nothing", "structure")

case("clip_sgd", "Gradients clipped by their norm, momentum",
     optimizer=("sgd", {"lr": 0.05, "momentum": 0.9}), clip=0.3)
case("clip_adam", "Gradients clipped by their norm, Adam", optimizer=("adam", {"lr": 2e-3}), clip=0.2)
case("freeze", "A frozen layer", "smooth", freeze=["linear_1"])
case("rates", "A learning rate of its own for one node", "smooth", rates={"head": 1e-2})
case("rates_schedule", "A learning rate of its own for one node under a schedule, weight decay", "smooth",
     optimizer=("adamw", {"lr": 2e-3}), rates={"head": 5e-3}, schedule=("cosine", {"warmup": 1}))
case("sample_weights", "Cross entropy with sample weights", "smooth", weight=True)
case("sample_weights_classes", "Cross entropy with sample and class weights and smoothed labels", "smooth",
     [(1, "cross_entropy", 0, "labels", {"class_weight": [0.5, 1.0, 1.5, 2.0, 3.0], "label_smoothing": 0.1})],
     weight=True)
case("sample_weights_mse", "Mean squared error with sample weights", "regression",
     [(1, "mse", 0, "values", {})],
     weight=True)
case("remainder", "A last batch of 8 in every epoch", batch_size=33)
case("remainder_batch_norm", "A last batch of 8 in every epoch, batch-norm", "test_hhy", optimizer=MOMENTUM,
     batch_size=36, epochs=13)
case("remainder_one", "A last batch of 1 in every epoch", batch_size=47, epochs=17)
case("remainder_one_batch_norm", "A last sample in every epoch that joins the batch before it",
     "norm_no_bias",
     batch_size=47, epochs=18)
case("whole_batch", "One batch an epoch", "smooth", optimizer=("adam", {"lr": 5e-3}),
     batch_size=800, epochs=300)
