"""The peer of scripts/bench: the bench's model and training step in eager PyTorch, as its users would write them.

    peer.py PRECISION STEPS THREADS      fp32 or bf16 (autocast); prints tokens per second of every step as JSON

Layers as in models/block.h, with PyTorch's own rms_norm, attention, cross-entropy and fused AdamW.
"""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

LAYERS, WIDTH, HEADS, KV_HEADS, MLP_RATIO, VOCAB, CONTEXT, SEQUENCES = 6, 256, 4, 2, 2, 1024, 512, 8
HEAD_WIDTH, SOFTCAP = WIDTH // HEADS, 30.0


def rotary_table():
    rates = 10000.0 ** (-torch.arange(0, HEAD_WIDTH, 2) / HEAD_WIDTH)
    angles = torch.outer(torch.arange(CONTEXT), rates)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1).type_as(x)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        kv_width = KV_HEADS * HEAD_WIDTH
        self.query = nn.Linear(WIDTH, WIDTH, bias=False)
        self.key = nn.Linear(WIDTH, kv_width, bias=False)
        self.value = nn.Linear(WIDTH, kv_width, bias=False)
        self.output = nn.Linear(WIDTH, WIDTH, bias=False)
        self.up = nn.Linear(WIDTH, MLP_RATIO * WIDTH, bias=False)
        self.down = nn.Linear(MLP_RATIO * WIDTH, WIDTH, bias=False)
        self.gain = nn.Parameter(torch.full((HEADS,), 1.5))
        self.mix = nn.Parameter(torch.stack([torch.ones(WIDTH), torch.zeros(WIDTH)]))
        self.attention_scale = nn.Parameter(torch.ones(WIDTH))
        self.mlp_scale = nn.Parameter(torch.ones(WIDTH))
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.down.weight)

    def heads(self, projected, count):
        return projected.view(SEQUENCES, CONTEXT, count, HEAD_WIDTH).transpose(1, 2)

    def forward(self, x, x0, cos, sin):
        x = self.mix[0] * x + self.mix[1] * x0
        normed = F.rms_norm(x, (WIDTH,))
        q = rotate(F.rms_norm(self.heads(self.query(normed), HEADS), (HEAD_WIDTH,)), cos, sin)
        k = rotate(F.rms_norm(self.heads(self.key(normed), KV_HEADS), (HEAD_WIDTH,)), cos, sin)
        q = (q * self.gain[:, None, None]).type_as(k)
        v = self.heads(self.value(normed), KV_HEADS)
        mixed = F.scaled_dot_product_attention(q, k, v.type_as(k), is_causal=True, enable_gqa=True)
        x = x + self.attention_scale * self.output(mixed.transpose(1, 2).reshape(x.shape))
        return x + self.mlp_scale * self.down(F.relu(self.up(F.rms_norm(x, (WIDTH,)))).square())


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, WIDTH)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        cos, sin = rotary_table()
        self.register_buffer("cos", cos)
        self.register_buffer("sin", sin)

    def forward(self, tokens, targets):
        x0 = F.rms_norm(self.embedding(tokens), (WIDTH,))
        x = x0
        for layer in self.layers:
            x = layer(x, x0, self.cos, self.sin)
        logits = F.linear(F.rms_norm(x, (WIDTH,)), self.embedding.weight)
        logits = SOFTCAP * torch.tanh(logits.float() / SOFTCAP)
        return F.cross_entropy(logits.view(-1, VOCAB), targets.reshape(-1))


def main():
    precision, steps, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model = Model()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    stream = torch.randint(VOCAB, (steps, SEQUENCES, CONTEXT + 1))
    tokens_per_s = []
    for batch in stream:
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = model(batch[:, :-1], batch[:, 1:])
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        tokens_per_s.append(SEQUENCES * CONTEXT / (time.perf_counter() - start))
    print(json.dumps({"tokens_per_s": tokens_per_s, "parameters": sum(p.numel() for p in model.parameters()),
                      "torch": torch.__version__}))


if __name__ == "__main__":
    main()
