"""Writes torch_weights.safetensors: weights of a PyTorch network in several precisions, as safetensors.torch stores
them (by type, then by name: not in the order of the modules). Needs torch and safetensors."""
import os
import torch
from safetensors.torch import save_file

net = torch.nn.Sequential(
    torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Identity(), torch.nn.Linear(8, 8),
    torch.nn.ReLU(), torch.nn.Identity(), torch.nn.Identity(), torch.nn.Identity(), torch.nn.Identity(),
    torch.nn.Linear(8, 3))
types = {"4.weight": torch.float16, "4.bias": torch.bfloat16, "10.weight": torch.bfloat16, "10.bias": torch.float64}
weights = {}
for k, (name, value) in enumerate(net.state_dict().items()):
    if value.dtype == torch.float32:
        i = torch.arange(value.numel(), dtype=torch.float64)
        value = (((i * 7 + k * 3) % 13 - 6) / 4).reshape(value.shape).to(types.get(name, torch.float32))
    weights[name] = value.contiguous()
save_file(weights, os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_weights.safetensors"))
print("\n".join(f"{k} {name} {tuple(value.shape)} {value.dtype}" for k, (name, value) in enumerate(weights.items())))
