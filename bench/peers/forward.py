"""Times forward passes of the notebook's GPT in PyTorch and prints one line of JSON.

    python3 forward.py FILE DIMENSIONS TOKENS REPEAT

Dimensions and tokens are JSON lists: [vocabulary, context, width, layers, heads] and token ids.
"""
import json
import sys
import time

import torch

import notebook_gpt

path, dimensions, tokens, repeat = sys.argv[1:]
model = notebook_gpt.load(path, json.loads(dimensions))
# Copies the weights from the file to separate memory, as a load that copies does.
model = model._apply(torch.clone)
ids = torch.tensor([json.loads(tokens)])
with torch.no_grad():
    model(ids)
    seconds = []
    for _ in range(int(repeat)):
        start = time.perf_counter()
        logits = model(ids)
        seconds.append(time.perf_counter() - start)
seconds.sort()
print(json.dumps({"Seconds": seconds[len(seconds) // 2], "Fastest": seconds[0], "Sum": float(logits.double().sum()), "Torch": torch.__version__}))
