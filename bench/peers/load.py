"""Loads a checkpoint to the CPU with PyTorch and a method of the notebook, and prints one line of JSON.

    python3 load.py FILE baseline|sequential|meta|assign|mmap|pertensor|safetensors

The model has one parameter or buffer per tensor of the state dict, so that it accepts any checkpoint. pertensor takes a folder of
one .pt file a tensor, as the notebook writes it, or slices a whole checkpoint; safetensors takes a safetensors file.
"""
import json
import os
import resource
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
    if file.endswith(".safetensors"):
        import safetensors

        with safetensors.safe_open(file, "pt") as opened:
            state = {name: torch.empty(opened.get_slice(name).get_shape(), device="meta") for name in opened.keys()}
    elif os.path.isdir(file):
        state = {name[:-3]: torch.load(os.path.join(file, name), map_location="meta", weights_only=True) for name in os.listdir(file)}
    else:
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
    elif way == "assign":
        with torch.device("meta"):
            model = StateDictModel(shapes)
        model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True), assign=True)
    elif way == "safetensors":
        from safetensors.torch import load_file

        with torch.device("meta"):
            model = StateDictModel(shapes)
        model.load_state_dict(load_file(file), assign=True)
    elif way == "mmap":
        with torch.device("meta"):
            model = StateDictModel(shapes)
        model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True, mmap=True), assign=True)
    elif way == "pertensor":
        with torch.device("meta"):
            model = StateDictModel(shapes)
        model = model.to_empty(device="cpu")
        own = model.state_dict()
        if os.path.isdir(file):
            for name in own:
                own[name].copy_(torch.load(os.path.join(file, name + ".pt"), map_location="cpu", weights_only=True))
        else:
            state = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
            for name in own:
                own[name].copy_(state[name].clone())
    else:
        raise SystemExit(f"unknown method: {way}")
    return model


def resident():
    """Anonymous and file-backed bytes in memory, as the kernel counts them."""
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["RssAnon"].split()[0]) * 1024, int(fields["RssFile"].split()[0]) * 1024


def peak():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024


def files_of(path):
    return [os.path.join(path, name) for name in os.listdir(path)] if os.path.isdir(path) else [path]


def prepare(path):
    """Waits for the requested state: cold files, and free memory as for the other contenders (FreeMemory.cs gives the reason)."""
    if os.environ.get("MEMLOAD_BENCH_CACHE") == "cold":  # no longer, since shapes_of
        for name in files_of(path):
            with open(name, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if os.environ.get("MEMLOAD_BENCH_WAITS"):
        print("ready", flush=True)
        sys.stdin.readline()


def main():
    file, way = sys.argv[1:]
    shapes = shapes_of(file)
    prepare(file)
    anonymous, mapped = resident()
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    model = load(file, way, shapes)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    highest, at_end = peak(), resident()
    # Every weight is used once, as a first forward pass would.
    start = time.perf_counter()
    total = sum(float(tensor.sum()) for tensor in model.state_dict().values())
    touch = time.perf_counter() - start
    print(json.dumps({
        "Seconds": seconds,
        "TouchSeconds": touch,
        "CpuSeconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "PageFaults": after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt,
        # The high-water mark does not distinguish kinds of memory. The files that are mapped at the end are subtracted.
        "PeakHostBytes": highest - anonymous - max(mapped, at_end[1]),
        "PeakFileBytes": at_end[1] - mapped,
        "Way": way,
        "Sum": total,
        "Torch": torch.__version__,
    }))


if __name__ == "__main__":
    main()
