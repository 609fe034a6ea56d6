#!/bin/sh
# Tests a computer with an NVIDIA card and writes one Markdown file. It needs memload and a POSIX shell. If python3 has PyTorch with CUDA,
# digests, peaks and times are compared with PyTorch.
#
#   bench/Cuda-Check.sh [OUT.md]
#
# MEMLOAD   the command, such as ./memload of the native archive, or "dotnet memload.dll"; the default is memload
# DEVICE    the device; the default is cuda:0
# SIZES     the models; the default is "gpt2-small gpt2-large"; tiny is a model of 1 MiB, to try the script
# LOADS     the number of loads of a small model in a row; the default is 200
# PYTHON    the Python; the default is python3
set -u
memload=${MEMLOAD:-memload}
device=${DEVICE:-cuda:0}
sizes=${SIZES:-"gpt2-small gpt2-large"}
loads=${LOADS:-200}
python=${PYTHON:-python3}
out=${1:-cuda-check.md}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0
number=${device#cuda:}

say() { printf '%s\n' "$@" >> "$out"; }
# Runs a command and writes its output as a block. The first argument is the expected exit code.
show() {
    expected=$1
    shift
    say "" '```text'
    say "\$ $*"
    "$@" >> "$out" 2>&1
    code=$?
    say '```' ""
    if [ "$code" -ne "$expected" ]; then
        failures=$((failures + 1))
        say "**Exit code $code, expected $expected.**" ""
    fi
}
check() {
    if [ "$2" = "$3" ]; then
        say "- $1: as expected ($2)"
    else
        failures=$((failures + 1))
        say "- **$1: $2, expected $3**"
    fi
}
make() {
    case $1 in
        tiny) $memload new --vocab 1000 --context 64 --emb 48 --layers 2 --heads 3 --force --out "$folder/$1.safetensors" > /dev/null ;;
        *) $memload new --size "$1" --out "$folder/$1.safetensors" > /dev/null ;;
    esac
}
free_bytes() { $memload plan --size gpt2-small --device "$device" --strategy Stream --format csv 2>/dev/null | awk -F, 'NR==1{for(i=1;i<=NF;i++)if($i=="DeviceBudgetBytes")c=i} NR==2{print $c}'; }
column() { awk -F, -v name="$1" 'NR==1{for(i=1;i<=NF;i++)if($i==name)c=i} NR>1{print $c}' "$2"; }

printf '# %s, %s\n' "$device" "$(date -u +%Y-%m-%d)" > "$out"
say "" "The command was \`bench/Cuda-Check.sh\` with SIZES=\"$sizes\", LOADS=$loads. $(uname -srm)."
say "" "## The computer"
show 0 $memload runtime
if ! $memload plan --size gpt2-small --device "$device" --strategy Stream > /dev/null 2> "$folder/error"; then
    say "" "The device cannot be used: $(cat "$folder/error")"
    cat "$out"
    exit 1
fi

before=$(free_bytes)
for size in $sizes; do
    say "## $size"
    make "$size" || exit 1
    $memload convert "$folder/$size.safetensors" --out "$folder/$size.pth" > /dev/null || exit 1
    show 0 $memload measure "$folder/$size.pth" --device "$device" --cache Warm
    $memload measure "$folder/$size.safetensors" --device "$device" --cache Warm --repeat 3 --format csv > "$folder/$size.csv" 2> "$folder/error" || say "$(cat "$folder/error")"
    check "rows" "$(column Outcome "$folder/$size.csv" | sort | uniq -c | tr -s ' ')" " 18 Loaded"
    check "different digests" "$(column WeightsDigest "$folder/$size.csv" | sort -u | wc -l | tr -d ' ')" 1
    check "device peaks that differ from the forecast" "$(column DeviceErrorPermille "$folder/$size.csv" | grep -vc '^0$')" 0
    say "- reserved bytes, and the decrease of free memory according to the driver: $(column PeakDeviceReservedBytes "$folder/$size.csv" | sort -un | tr '\n' ' ') | $(column PeakCardBytes "$folder/$size.csv" | sort -un | tr '\n' ' ')"
    say "" "Bytes per second of three runs of Stream: $(awk -F, 'NR==1{for(i=1;i<=NF;i++){if($i=="BytesPerSecond")c=i; if($i=="Strategy")s=i}} NR>1 && $s=="Stream"{print $c}' "$folder/$size.csv" | tr '\n' ' ')"
    $memload inspect "$folder/$size.safetensors" --hash --format csv > "$folder/$size.hashes.csv"
    say "" "### PyTorch"
    "$python" - "$folder/$size.safetensors" "$folder/$size.pth" "$folder/$size.hashes.csv" "$number" >> "$out" 2> "$folder/error" <<'PYTHON' || say "" "PyTorch was not compared: $(tail -n 1 "$folder/error")"
import csv, gc, hashlib, os, sys, time
import torch

safetensors_file, pth, hashes, number = sys.argv[1:5]
if not torch.cuda.is_available():
    sys.exit("torch.cuda is not available")
card = torch.device("cuda", int(number))
torch.cuda.init()
torch.empty(1, device=card)


def measured(load):
    """Peak of the allocator in bytes, and the shortest of three times in milliseconds."""
    best = None
    for _ in range(3):
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(card)
        torch.cuda.synchronize(card)
        start = time.perf_counter()
        kept = load()
        torch.cuda.synchronize(card)
        elapsed = (time.perf_counter() - start) * 1000
        peak = torch.cuda.max_memory_allocated(card)
        best = elapsed if best is None else min(best, elapsed)
        del kept
    return peak, best


class Model(torch.nn.Module):
    def __init__(self, shapes, device):
        super().__init__()
        for i, (name, (shape, dtype)) in enumerate(shapes.items()):
            self.register_buffer(f"b{i}", torch.empty(shape, dtype=dtype, device=device))
        self.names = {f"b{i}": name for i, name in enumerate(shapes)}


state = torch.load(pth, map_location="meta", weights_only=True, mmap=True)
shapes = {name: (tensor.shape, tensor.dtype) for name, tensor in state.items()}


def baseline():
    model = Model(shapes, "cpu").to(card)
    weights = torch.load(pth, map_location=card, weights_only=True)
    for buffer, name in model.names.items():
        getattr(model, buffer).copy_(weights[name])
    return model, weights


def sequential():
    model = Model(shapes, card)
    weights = torch.load(pth, map_location="cpu", weights_only=True)
    for buffer, name in model.names.items():
        getattr(model, buffer).copy_(weights[name].to(card))
    return model


def meta():
    model = Model(shapes, "meta").to_empty(device=card)
    weights = torch.load(pth, map_location=card, weights_only=True)
    for buffer, name in model.names.items():
        getattr(model, buffer).copy_(weights[name])
    return model, weights


def mmap():
    model = Model(shapes, "meta").to_empty(device=card)
    weights = torch.load(pth, map_location="cpu", weights_only=True, mmap=True)
    for buffer, name in model.names.items():
        getattr(model, buffer).copy_(weights[name])
    return model


def assign():
    return torch.load(pth, map_location=card, weights_only=True, mmap=True)


ways = {"baseline": baseline, "sequential": sequential, "meta": meta, "mmap": mmap, "torch.load(mmap=True, map_location=cuda)": assign}
try:
    import safetensors.torch
    ways["safetensors.torch.load_file(device=cuda)"] = lambda: safetensors.torch.load_file(safetensors_file, device=str(card))
except ImportError:
    pass

print(f"\ntorch {torch.__version__}, {torch.cuda.get_device_name(card)}\n\n| Way | max_memory_allocated | ms |\n|---|---|---|")
for name, way in ways.items():
    peak, elapsed = measured(way)
    print(f"| {name} | {peak} | {elapsed:.0f} |")
total = sum(tensor.nelement() * tensor.element_size() for tensor in state.values())
pinned = torch.empty(min(total, 1 << 30), dtype=torch.uint8).pin_memory()
target = torch.empty_like(pinned, device=card)
_, elapsed = measured(lambda: target.copy_(pinned, non_blocking=True))
print(f"| pinned cudaMemcpy of {pinned.nelement()} bytes (the limit) | | {elapsed:.1f} |")

weights = torch.load(pth, map_location=card, weights_only=True)
wrong = 0
with open(hashes, newline="") as file:
    for row in csv.DictReader(file):
        tensor = weights[row["Name"]].contiguous().cpu().flatten().view(torch.uint8).numpy().tobytes()
        wrong += hashlib.sha256(tensor).hexdigest() != row["Sha256"]
print(f"\nTensors on the card whose SHA-256 differs from that of MemLoad: {wrong}")
sys.exit(wrong > 0)
PYTHON
done

say "## Limits and failures"
small=$(echo "$sizes" | cut -d' ' -f1)
show 1 $memload measure "$folder/$small.safetensors" --device "$device" --strategy Baseline --device-memory-limit 1MB
say "A load that is killed in the middle:"
$memload measure "$folder/$small.safetensors" --device "$device" --strategy Baseline --repeat 20 > /dev/null 2>&1 &
killed=$!
sleep 2
kill -9 $killed 2> /dev/null
wait $killed 2> /dev/null
sleep 2
check "free memory after the kill" "$(free_bytes)" "$before"
say "" "$loads loads in a row:"
make tiny
$memload measure "$folder/tiny.safetensors" --device "$device" --strategy Stream --repeat "$loads" --format csv > "$folder/many.csv" 2> "$folder/error"
check "rows" "$(column Outcome "$folder/many.csv" | sort | uniq -c | tr -s ' ')" " $loads Loaded"
check "different digests" "$(column WeightsDigest "$folder/many.csv" | sort -u | wc -l | tr -d ' ')" 1
check "free memory afterwards" "$(free_bytes)" "$before"
say "" "Unexpected results: $failures"
cat "$out"
exit "$((failures > 0))"
