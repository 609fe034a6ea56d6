#!/usr/bin/env python3
"""Compares mutated checkpoints with PyTorch and safetensors. A tensor that both sides read must have the same name, dtype, shape and bytes.

    dotnet run -c Release --project bench/Fuzz -- --dump FOLDER --count 20000 --formats Zip,Legacy,Safetensors
    python3 bench/peers/fuzz.py FOLDER

Each file is read in a separate process with 2 GiB and 20 seconds. The script needs torch, safetensors and numpy. It prints one line per
difference, and the counts.
"""
import collections, hashlib, json, os, resource, signal, sys, warnings

import torch
import safetensors.torch

warnings.filterwarnings("ignore")
torch.set_num_threads(1)


def flatten(name, value, into):
    if isinstance(value, torch.Tensor):
        into[name] = value
    elif isinstance(value, dict):
        for key, item in value.items():
            flatten(f"{name}.{key}" if name else str(key), item, into)
    elif isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        for i, item in enumerate(value):
            flatten(f"{name}.{i}" if name else str(i), item, into)


def read(path):
    tensors = {}
    if path.endswith(".safetensors"):
        tensors = safetensors.torch.load_file(path)
    else:
        flatten("", torch.load(path, weights_only=True, map_location="cpu"), tensors)
    lines = {}
    for name, tensor in tensors.items():
        data = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        lines[name] = [str(tensor.dtype)[6:], ",".join(map(str, tensor.shape)), hashlib.sha256(data).hexdigest()]
    return lines


def child(path, pipe):
    pages = int(open("/proc/self/statm").read().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + (2 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(20)
    try:
        answer = read(path)
    except BaseException:
        answer = None
    os.write(pipe, json.dumps(answer).encode()) if len(json.dumps(answer)) < 60000 else os.write(pipe, b'"large"')
    os._exit(0)


def main(folder):
    counts = collections.Counter()
    refused = collections.Counter()
    for line in open(os.path.join(folder, "inputs.jsonl")):
        entry = json.loads(line)
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            sys.stderr = open(os.devnull, "w")
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            child(os.path.join(folder, entry["file"]), writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as answer:
            text = answer.read()
        _, status = os.waitpid(pid, 0)
        kind = entry["format"]
        peer = json.loads(text) if text else None
        counts[kind, "files"] += 1
        if os.WIFSIGNALED(status):
            counts[kind, "the peer died"] += 1
        if peer is None or peer == "large":
            counts[kind, "only MemLoad opens" if entry["rule"] is None else "both refuse"] += 1
            continue
        if entry["rule"] is not None:
            counts[kind, "only the peer opens"] += 1
            refused[kind, entry["rule"]] += 1
            continue
        counts[kind, "both open"] += 1
        ours = {fields[0]: fields[1:] for fields in (tensor.split("\t") for tensor in entry["tensors"])}
        for name in ours.keys() | peer.keys():
            if ours.get(name) != peer.get(name):
                counts[kind, "DISAGREE"] += 1
                print(f"DISAGREE\t{entry['file']}\t{name!r}\tours {ours.get(name)}\tpeer {peer.get(name)}")
                break
    for key, count in sorted(counts.items()):
        print(*key, count, sep="\t")
    by_rule = ", ".join(f"{kind} {rule}: {count}" for (kind, rule), count in refused.most_common())
    print("refused by MemLoad and opened by the peer, by rule:", by_rule)


main(sys.argv[1])
