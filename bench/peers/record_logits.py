# Records logits of the notebook's GPT model in PyTorch, for tests without PyTorch: checkpoint, [vocabulary, context, width, layers, heads], token
# ids, step. Prints JSON with every logit whose index is a multiple of the step.
#   memload new --size gpt2-small --out gpt2-small.pth
#   python3 bench/peers/record_logits.py gpt2-small.pth '[50257,1024,768,12,12]' '[15496,11,314,716,257,3303,2746,13]' 499
import json
import sys

import torch

from notebook_gpt import load

path, dimensions, tokens, step = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]), int(sys.argv[4])
with torch.inference_mode():
    logits = load(path, dimensions)(torch.tensor([tokens])).flatten()[::step].tolist()
print(json.dumps({"pytorch": torch.__version__.split("+")[0], "step": step, "tokens": tokens, "logits": logits}))
