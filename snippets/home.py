# %% two-hidden fold="output"
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = [
            nn.Linear(8, 16),
            nn.Linear(16, 16),
        ]
        self.last = nn.Linear(16, 1)

    def forward(self, X):
        a, b = self.hidden
        X = b(a(X).relu()).relu()
        return self.last(X)


print(len(list(Net().parameters())))


# %% repaired
class Repaired(Net):
    def __init__(self):
        super().__init__()
        self.hidden = nn.ModuleList(self.hidden)


print(len(list(Repaired().parameters())))


# %% two-curves fold="code"
import matplotlib.pyplot as plt
import torch


def losses(net, steps=150):
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(steps):
        loss = (net(X) - y).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        yield loss.item()


torch.manual_seed(0)
X = torch.randn(256, 8)
y = X[:, :2].abs().sum(dim=1, keepdim=True)

plt.rcParams["font.size"] = 12
fig, ax = plt.subplots(figsize=(4.4, 3.2))
for kind, dash in {Net: "--", Repaired: "-"}.items():
    torch.manual_seed(1)  # the same start | 起点相同
    name, curve = kind.__name__, list(losses(kind()))
    print(f"{name}: {curve[0]:.3f} -> {curve[-1]:.3f}")
    ax.plot(curve, dash, label=name, linewidth=2)
ax.set(xlabel="step", ylabel="loss", yscale="log")
ax.yaxis.set_major_formatter("{x:g}")
ax.legend(frameon=False)
