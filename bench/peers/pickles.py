"""Reads checkpoints from a pipe with PyTorch and returns the results. `bench/Fuzz --differential` starts this script.

A request is a length of four bytes, a byte that is 1 if details are requested, and the file. The answer has 131 bytes: for
torch.load(weights_only=True) and then for weights_only=False (unpickled by Python itself, with the same names allowed and no others) a
status, the SHA-256 of the tensors' lines and that of the plain values' lines; and how many tensors there are, at most 255. Details are a
length and those lines.
"""
import hashlib, io, os, pickle, resource, signal, struct, sys, warnings

import numpy
import torch
from torch._weights_only_unpickler import _get_allowed_globals

REFUSED, READ, LARGE, LOST = 0, 1, 2, 3  # LARGE: too much to compare; LOST: read, but cannot be listed
MOST_BYTES, MOST_NODES, DEEPEST = 1 << 22, 4000, 40
PLAIN = {"collections.defaultdict", "builtins.frozenset", "builtins.int", "builtins.float", "builtins.list", "builtins.dict", "builtins.str",
         "numpy.dtype", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "torch.nn.parameter.Buffer"}


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        full = f"{'builtins' if module == '__builtin__' else module}.{name}"
        if full in _get_allowed_globals() or full in PLAIN or (module == "torch" and isinstance(getattr(torch, name, None), (torch.dtype, torch.layout, torch.qscheme))):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(full)


def load(file, **arguments):
    return Unpickler(file, **arguments).load()


def loads(data, **arguments):
    return load(io.BytesIO(data), **arguments)


class TooLarge(Exception):
    pass


def flatten(name, value, tensors, plain, nodes, depth=0):
    nodes[0] += 1
    if nodes[0] > MOST_NODES or depth > DEEPEST:
        raise TooLarge()
    if isinstance(value, torch.Tensor):
        tensors[name] = value
    elif isinstance(value, dict):
        for key, item in value.items():
            flatten(f"{name}.{key}" if name else str(key), item, tensors, plain, nodes, depth + 1)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            flatten(f"{name}.{i}" if name else str(i), item, tensors, plain, nodes, depth + 1)
    else:
        plain[name] = value


def content(tensor):
    if tensor.numel() * tensor.element_size() > MOST_BYTES:
        raise TooLarge()
    if tensor.numel() == 0:
        return b""
    tensor = tensor.detach().resolve_conj().resolve_neg()
    # The bytes in memory, without a copy by type, which some types do not support.
    size = tensor.element_size()
    data = torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage()).numpy()[tensor.storage_offset() * size:]
    shape, strides = (*tensor.shape, size), (*(stride * size for stride in tensor.stride()), 1)
    return numpy.lib.stride_tricks.as_strided(data, shape, strides).tobytes()


def text(value):
    value = value.item() if isinstance(value, numpy.generic) else value
    if value is None or type(value) in (bool, int):
        return str(value)
    return "nan" if value != value else struct.pack(">d", value).hex()


def lines(value):
    tensors, plain = {}, {}
    flatten("", value, tensors, plain, [0])
    key = lambda entry: entry[0].encode("utf-8", "surrogatepass")
    if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > MOST_BYTES:
        raise TooLarge()
    one = "".join(f"{name}\t{str(tensor.dtype)[6:]}\t{','.join(map(str, tensor.shape))}\t{hashlib.sha256(content(tensor)).hexdigest()}\n"
                  for name, tensor in sorted(tensors.items(), key=key))
    two = "".join(f"{name}\t{text(item)}\n" for name, item in sorted(plain.items(), key=key)
                  if item is None or type(item) in (bool, int, float) or isinstance(item, (numpy.bool_, numpy.integer, numpy.floating)))
    return one, two, len(tensors)


def answer(data, details, **arguments):
    signal.setitimer(signal.ITIMER_REAL, 10)
    status, one, two, count = REFUSED, "", "", 0
    try:
        value = torch.load(io.BytesIO(data), map_location="cpu", **arguments)
        status = LOST
        one, two, count = lines(value)
        status = READ
    except (TooLarge, MemoryError):
        status = LARGE
    except BaseException as e:
        one = two = repr(e) if details else ""
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    digests = b"".join(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest() for part in (one, two))
    return bytes([status]) + digests, min(count, 255), one + two


def interrupt(*_):
    raise TooLarge()


def main():
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, interrupt)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    pages = int(open("/proc/self/statm").read().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + (2 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    answers.write(f"{torch.__version__}\n".encode())
    answers.flush()
    while len(head := requests.read(5)) == 5:
        length, details = struct.unpack("<IB", head)
        data = requests.read(length)
        safe, count, first = answer(data, details, weights_only=True)
        full, other, second = answer(data, details, weights_only=False, pickle_module=sys.modules[__name__])
        answers.write(safe + full + bytes([max(count, other)]))
        if details:
            said = f"weights_only=True, status {safe[0]}:\n{first}weights_only=False, status {full[0]}:\n{second}".encode("utf-8", "surrogatepass")
            answers.write(struct.pack("<I", len(said)) + said)
        answers.flush()


main()
