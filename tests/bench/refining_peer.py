"""The peer of scripts/bench refinement: two passes in eager PyTorch, the second computed everywhere and masked.

    refining_peer.py PRECISION ROUNDS THREADS      fp32 or bf16 (autocast); prints tokens per second as JSON

The model of tests/bench/refinement_cost.cpp at width 256: core of three layers, coda of one, one base pass. A tenth of the
positions, of largest entropy, take the state of the second pass; the coda runs again, and every position is scored. That is how
public token-gated models evaluate: all compute is spent, and a mask chooses.
"""
import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

import peer

CORE, SHARE = 3, 0.1


class Refining(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(peer.VOCAB, peer.WIDTH)
        self.layers = nn.ModuleList(peer.Layer() for _ in range(CORE + 1))
        cos, sin = peer.rotary_table()
        self.register_buffer("cos", cos)
        self.register_buffer("sin", sin)

    def core(self, x, x0):
        for layer in self.layers[:CORE]:
            x = layer(x, x0, self.cos, self.sin)
        return x

    def log_probabilities(self, x, x0):
        x = F.rms_norm(self.layers[CORE](x, x0, self.cos, self.sin), (peer.WIDTH,))
        logits = F.linear(x, self.embedding.weight)
        return (peer.SOFTCAP * torch.tanh(logits.float() / peer.SOFTCAP)).log_softmax(-1)

    def forward(self, tokens, targets):
        x0 = F.rms_norm(self.embedding(tokens), (peer.WIDTH,))
        first = self.core(x0, x0)
        coarse = self.log_probabilities(first, x0)
        entropy = -(coarse.exp() * coarse).sum(-1)
        mask = entropy >= entropy.flatten().topk(int(SHARE * entropy.numel())).values[-1]
        second = self.core(first, x0)
        refined = self.log_probabilities(torch.where(mask[..., None], second, first), x0)
        return torch.where(mask, -refined.gather(-1, targets[..., None])[..., 0], -coarse.gather(-1, targets[..., None])[..., 0])


def main():
    precision, rounds, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model = Refining()
    for parameter in model.parameters():
        if parameter.dim() == 2 and min(parameter.shape) > 2:
            nn.init.normal_(parameter, std=0.05)
    tokens, targets = torch.randint(peer.VOCAB, (2, peer.SEQUENCES, peer.CONTEXT))
    seconds = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        for _ in range(rounds + 1):  # the first warms up
            start = time.perf_counter()
            model(tokens, targets)
            seconds.append(time.perf_counter() - start)
    print(json.dumps({"tokens_per_s": tokens.numel() / statistics.median(seconds[1:]), "torch": torch.__version__}))


main()
