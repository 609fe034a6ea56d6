# The notebook's GPT model in PyTorch: checkpoint, [vocabulary, context, width, layers, heads], token ids, file to write the logits to.
import json
import sys

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, width, context, heads):
        super().__init__()
        self.heads, self.head_size = heads, width // heads
        self.W_query, self.W_key, self.W_value = (nn.Linear(width, width) for _ in range(3))
        self.out_proj = nn.Linear(width, width)
        self.register_buffer("mask", torch.triu(torch.ones(context, context), diagonal=1))

    def forward(self, x):
        batch, tokens, width = x.shape
        query, key, value = (
            layer(x).view(batch, tokens, self.heads, self.head_size).transpose(1, 2) for layer in (self.W_query, self.W_key, self.W_value)
        )
        scores = query @ key.transpose(2, 3)
        scores.masked_fill_(self.mask.bool()[:tokens, :tokens], -torch.inf)
        weights = torch.softmax(scores / self.head_size**0.5, dim=-1)
        return self.out_proj((weights @ value).transpose(1, 2).contiguous().view(batch, tokens, width))


class LayerNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x):
        mean, variance = x.mean(dim=-1, keepdim=True), x.var(dim=-1, keepdim=True, unbiased=False)
        return self.scale * (x - mean) / torch.sqrt(variance + 1e-5) + self.shift


class Gelu(nn.Module):
    def forward(self, x):
        return 0.5 * x * (1 + torch.tanh(torch.sqrt(torch.tensor(2.0 / torch.pi)) * (x + 0.044715 * torch.pow(x, 3))))


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, 4 * width), Gelu(), nn.Linear(4 * width, width))

    def forward(self, x):
        return self.layers(x)


class Block(nn.Module):
    def __init__(self, width, context, heads):
        super().__init__()
        self.att, self.ff = Attention(width, context, heads), FeedForward(width)
        self.norm1, self.norm2 = LayerNorm(width), LayerNorm(width)

    def forward(self, x):
        x = x + self.att(self.norm1(x))
        return x + self.ff(self.norm2(x))


class GPTModel(nn.Module):
    def __init__(self, vocabulary, context, width, layers, heads):
        super().__init__()
        self.tok_emb, self.pos_emb = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.trf_blocks = nn.Sequential(*[Block(width, context, heads) for _ in range(layers)])
        self.final_norm, self.out_head = LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens):
        x = self.tok_emb(tokens) + self.pos_emb(torch.arange(tokens.shape[1]))
        return self.out_head(self.final_norm(self.trf_blocks(x)))


def load(path, dimensions):
    """The model over a mapped checkpoint; dimensions are vocabulary, context, width, layers and heads."""
    with torch.device("meta"):
        model = GPTModel(*dimensions)
    model.load_state_dict(torch.load(path, weights_only=True, mmap=True), assign=True)
    return model.eval()


if __name__ == "__main__":
    path, dimensions, tokens, target = sys.argv[1:]
    with torch.no_grad():
        logits = load(path, json.loads(dimensions))(torch.tensor([json.loads(tokens)]))
    logits.numpy().tofile(target)
    print(json.dumps(list(logits.shape)))
