"""Loads a checkpoint with PyTorch in one of the notebook's ways, onto the CPU, and prints one line of JSON.

    python3 load.py FILE baseline|sequential|meta|mmap|pertensor

The model is what the state dict says it is: one parameter or buffer a tensor, so that any checkpoint will do.
"""
import json
import sys
import time

import torch


class StateDictModel(torch.nn.Module):
    """A module with exactly the tensors of a state dict, by their own names."""

    def __init__(self, shapes):
        super().__init__()
        for name, (shape, dtype) in shapes.items():
            tensor = torch.empty(shape, dtype=dtype)
            if dtype.is_floating_point and tensor.device.type != "meta":
                torch.nn.init.normal_(tensor)
            *path, leaf = name.split(".")
            module = self
            for part in path:
                if part not in module._modules:
                    module.add_module(part, torch.nn.Module())
                module = module._modules[part]
            module.register_buffer(leaf, tensor)


def shapes_of(file):
    """Names, shapes and types, without the bytes."""
    state = torch.load(file, map_location="meta", weights_only=True)
    return {name: (tensor.shape, tensor.dtype) for name, tensor in state.items()}


def load(file, way, shapes):
    if way == "baseline":
        model = StateDictModel(shapes)
        model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    elif way == "sequential":
        model = StateDictModel(shapes)
        state = torch.load(file, map_location="cpu", weights_only=True)
        own = model.state_dict()
        for name in own:
            own[name].copy_(state[name])
    elif way == "meta":
        with torch.device("meta"):
            model = StateDictModel(shapes)
        model = model.to_empty(device="cpu")
        model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    elif way == "mmap":
        with torch.device("meta"):
            model = StateDictModel(shapes)
        model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True, mmap=True), assign=True)
    elif way == "pertensor":
        with torch.device("meta"):
            model = StateDictModel(shapes)
        model = model.to_empty(device="cpu")
        own = model.state_dict()
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        for name in own:
            own[name].copy_(state[name].clone())
    else:
        raise SystemExit(f"no such way: {way}")
    return model


def main():
    file, way = sys.argv[1:]
    shapes = shapes_of(file)
    start = time.perf_counter()
    model = load(file, way, shapes)
    elapsed = time.perf_counter() - start
    # Every weight is used once, as a first forward pass would.
    total = sum(float(tensor.double().sum()) for tensor in model.state_dict().values())
    print(json.dumps({"way": way, "seconds": elapsed, "tensors": len(shapes), "sum": total, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
