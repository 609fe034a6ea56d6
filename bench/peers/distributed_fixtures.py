# Writes the distributed checkpoints of tests/fixtures/distributed with PyTorch 2.6 on one, two and four ranks (gloo), and for each what
# PyTorch loads from it (FOLDER.expected.json).
# USE_LIBUV=0 python3 bench/peers/distributed_fixtures.py tests/fixtures/distributed
import hashlib, io, json, os, sys, tempfile, shutil
import torch, torch.distributed as dist, torch.multiprocessing as mp
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from torch.distributed.checkpoint.state_dict_loader import _load_state_dict
from torch.distributed.checkpoint._nested_dict import flatten_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Shard, Replicate, distribute_tensor

def seeded(*shape, dtype=torch.float32, seed=0):
    g = torch.Generator().manual_seed(seed + 1)
    t = torch.randn(*shape, generator=g)
    return (t * 50).to(dtype) if dtype in (torch.int8, torch.int64, torch.uint8) else t.to(dtype)

def one_rank(out):
    torch.manual_seed(0)
    m = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 3))
    m[0].to(memory_format=torch.channels_last)
    opt = torch.optim.AdamW(m.parameters())
    for p in m.parameters():
        p.grad = torch.randn(p.shape)
    opt.step()
    extra = {"scalar": torch.tensor(3.5, dtype=torch.float64), "empty": torch.zeros(0, 4), "half": seeded(3, 5, dtype=torch.bfloat16),
             "flags": torch.tensor([True, False, True]), "view": torch.arange(24.).reshape(4, 6)[1:3, 2:5], "turned": torch.arange(6, dtype=torch.int16).reshape(2, 3).t(),
             "complex": torch.complex(seeded(3), seeded(3, seed=4))}
    shared = torch.arange(8, dtype=torch.int32)
    dcp.save({"model": m.state_dict(), "optim": opt.state_dict(), "extra": extra, "tied": {"a": shared, "b": shared[2:6]}, "step": 7, "note": "text", "list": [1, torch.ones(2)]}, checkpoint_id=out)

def rank_main(rank, world, port, out):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE=str(world))
    dist.init_process_group("gloo", rank=rank, world_size=world)
    mesh = init_device_mesh("cpu", (world,)) if world == 2 else init_device_mesh("cpu", (2, world // 2))
    def sharded(t, *places):
        return distribute_tensor(t, mesh, list(places))
    if world == 2:
        state = {"model": {
            "rows.weight": sharded(seeded(6, 4), Shard(0)),
            "columns.weight": sharded(seeded(6, 4, seed=1), Shard(1)),
            "uneven.rows": sharded(seeded(5, 3, seed=2, dtype=torch.bfloat16), Shard(0)),
            "uneven.columns": sharded(seeded(3, 5, seed=3, dtype=torch.float16), Shard(1)),
            "one.row": sharded(seeded(1, 3, seed=4), Shard(0)),
            "middle": sharded(seeded(2, 4, 3, seed=5, dtype=torch.float64), Shard(1)),
            "bytes": sharded(seeded(8, seed=6, dtype=torch.int8), Shard(0)),
            "replicated": sharded(seeded(3, 3, seed=7), Replicate()),
            "plain": seeded(4, seed=8),
            "scalar": torch.tensor(5),
        }, "optim": {"state": {"rows.weight": {"exp_avg": sharded(seeded(6, 4, seed=9), Shard(0)), "step": torch.tensor(3.)}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999)}]}, "step": 11}
    else:
        state = {"both": sharded(seeded(6, 4), Shard(0), Shard(1)), "uneven.both": sharded(seeded(5, 7, seed=1, dtype=torch.bfloat16), Shard(0), Shard(1)),
                 "cube": sharded(seeded(3, 4, 5, seed=2), Shard(1), Shard(2)), "twice": sharded(seeded(9, 2, seed=3), Shard(0), Shard(0)), "half": sharded(seeded(4, 4, seed=4), Replicate(), Shard(1))}
    dcp.save(state, checkpoint_id=out)
    dist.destroy_process_group()

def expected(out):
    sd = {}
    _load_state_dict(sd, storage_reader=dcp.FileSystemReader(out), planner=_EmptyStateDictLoadPlanner(), no_dist=True)
    md = dcp.FileSystemReader(out).read_metadata()
    flat, _ = flatten_state_dict(sd)
    tensors = []
    places = {(i.fqn, i.offset): p for i, p in md.storage_data.items()}
    for name, what in md.state_dict_metadata.items():
        value = flat.get(name)
        if not isinstance(value, torch.Tensor):
            continue
        c = value.detach().contiguous()
        raw = c.reshape(-1).view(torch.uint8).numpy().tobytes() if c.numel() else b""
        stride = list(c.stride())
        if len(what.chunks) == 1:  # the record has its strides; a tensor of several chunks is contiguous
            place = places[(name, what.chunks[0].offsets)]
            with open(os.path.join(out, place.relative_path), "rb") as f:
                f.seek(place.offset)
                stride = list(torch.load(io.BytesIO(f.read(place.length)), weights_only=True).stride())
        tensors.append({"stride": stride, "storage_id": len(tensors), "name": name, "dtype": str(value.dtype)[6:], "shape": list(value.shape), "nbytes": value.nbytes, "sha256": hashlib.sha256(raw).hexdigest()})
    json.dump({"tensors": tensors}, open(out.rstrip("/") + ".expected.json", "w"), indent=0)

if __name__ == "__main__":
    root = sys.argv[1]
    for name in ("one-rank", "two-ranks", "four-ranks"):
        out = os.path.join(root, name)
        shutil.rmtree(out, ignore_errors=True)
        if name == "one-rank":
            one_rank(out)
        else:
            world = 2 if name == "two-ranks" else 4
            mp.spawn(rank_main, args=(world, 29511 + world, out), nprocs=world)
        expected(out)
