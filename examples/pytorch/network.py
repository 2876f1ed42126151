"""The networks of codebench in PyTorch: the network of a workload, and the weights of a checkpoint.

    codebench cnn show my-cnn.toml --image 8 --channels 1 --classes 10 --format workload > workload.json
    codebench train --cnn my-cnn.toml --out weights.safetensors
    python3 examples/pytorch/network.py workload.json weights.safetensors

The workload is also what `codebench/command` hands to a program of yours (`job["workload"]`), so this file is a start for a
trainer in PyTorch. Needs torch, and safetensors for checkpoints or numpy for `.npz` files (`codebench train --export npz`).
"""

import json
import sys

import torch
import torch.nn.functional as F

ACTIVATIONS = {
    "identity": lambda x: x,
    "relu": F.relu,
    "relu6": F.relu6,
    "silu": F.silu,
    "gelu": F.gelu,
    "hswish": F.hardswish,
    "hsigmoid": F.hardsigmoid,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "leaky_relu": F.leaky_relu,
}


def load_weights(path):
    """The weight tensors in a checkpoint or in an `.npz` file, by name."""
    if str(path).endswith(".npz"):
        import numpy

        with numpy.load(path) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    from safetensors.torch import load_file

    return load_file(path)


class Network(torch.nn.Module):
    """A workload as a module; `state` holds every weight tensor under the workload's name."""

    def __init__(self, workload):
        super().__init__()
        self.workload = workload
        self.state = {}
        for layer in workload["layers"]:
            for weight in layer["weights"]:
                self._add(weight)

    def _add(self, weight):
        shape, role = weight["shape"], weight["role"]
        attribute = weight["name"].replace(".", "_")
        if role in ("running_mean", "running_variance"):
            self.register_buffer(attribute, torch.full(shape, float(role == "running_variance")))
        elif role in ("gamma", "beta"):
            self.register_parameter(attribute, torch.nn.Parameter(torch.full(shape, float(role == "gamma"))))
        else:
            values = torch.randn(shape) / max(1, torch.Size(shape[1:]).numel()) ** 0.5
            self.register_parameter(attribute, torch.nn.Parameter(values))
        self.state[weight["name"]] = getattr(self, attribute)

    def load(self, path):
        """Takes the weights of a checkpoint of codebench."""
        weights = load_weights(path)
        if weights.keys() != self.state.keys():
            raise ValueError(f"{path} is the checkpoint of another network")
        with torch.no_grad():
            for name, tensor in self.state.items():
                tensor.copy_(weights[name])

    def forward(self, images):
        """Logits, N x classes, of images N x C x H x W, normalised as codebench normalises them."""
        tensors = {self.workload["input"]: images}
        for layer in self.workload["layers"]:
            inputs = [tensors[index] for index in layer["inputs"]]
            weights = [self.state[weight["name"]] for weight in layer["weights"]]
            tensors[layer["output"]] = self._apply(layer["primitive"], inputs, weights)
        return tensors[self.workload["output"]].flatten(1)

    def _apply(self, p, inputs, weights):
        x, op = inputs[0], p["op"]
        if op == "conv":
            x, padding = padded(x, p["padding"], 0.0)
            bias = weights[1] if p["bias"] else None
            return F.conv2d(x, weights[0], bias, p["stride"], padding, p["dilation"], p["groups"])
        if op == "dense":
            return F.linear(x.flatten(1), weights[0], weights[1] if p["bias"] else None)[:, :, None, None]
        if op == "batch_norm":
            gamma, beta, mean, variance = weights
            return F.batch_norm(x, mean, variance, gamma, beta, self.training, 0.1, p["epsilon"])
        if op == "max_pool":
            x, padding = padded(x, p["padding"], float("-inf"))
            return F.max_pool2d(x, p["kernel"], p["stride"], padding, ceil_mode=p["ceil"])
        if op == "average_pool":
            top, left, bottom, right = (p["padding"][side] for side in ("top", "left", "bottom", "right"))
            if (top, left) != (bottom, right):
                raise ValueError("PyTorch has no average pool with other padding on one side than on the other")
            return F.avg_pool2d(x, p["kernel"], p["stride"], (top, left), p["ceil"], p["count_include_padding"])
        if op == "global_average_pool":
            return x.mean((2, 3), keepdim=True)
        if op == "local_response_norm":
            return F.local_response_norm(x, p["size"], p["alpha"], p["beta"], p["k"])
        if op == "activation":
            return ACTIVATIONS[p["function"]](x)
        if op in ("add", "multiply"):
            for other in inputs[1:]:
                x = x + other if op == "add" else x * other
            return x
        if op == "concat":
            return torch.cat(inputs, 1)
        if op == "slice":
            return x[:, p["start"]:p["end"]]
        if op == "shuffle":
            return F.channel_shuffle(x, p["groups"])
        if op == "resize":
            size = (p["height"], p["width"])
            if p["mode"] == "nearest":
                return F.interpolate(x, size, mode="nearest")
            return F.interpolate(x, size, mode="bilinear", align_corners=True)
        if op == "flatten":
            return x.flatten(1)[:, :, None, None]
        if op == "dropout":
            return F.dropout(x, p["probability"], self.training)
        if op == "softmax":
            return F.softmax(x, 1)
        raise ValueError(f"primitive `{op}` is not known here")


def padded(x, padding, value):
    """The padding that the operation itself can apply, once `value` has been put around where it cannot."""
    if (padding["top"], padding["left"]) == (padding["bottom"], padding["right"]):
        return x, (padding["top"], padding["left"])
    around = (padding["left"], padding["right"], padding["top"], padding["bottom"])
    return F.pad(x, around, value=value), 0


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        workload = json.load(file)
    network = Network(workload)
    network.load(sys.argv[2])
    shape = workload["tensors"][workload["input"]]
    images = torch.zeros(1, shape["channels"], shape["height"], shape["width"])
    with torch.no_grad():
        logits = network.eval()(images)
    parameters = sum(p.numel() for p in network.parameters())
    print(f"{parameters} parameters; logits of an image of zeros: {[round(x, 5) for x in logits[0].tolist()]}")


if __name__ == "__main__":
    main()
