# %% setup
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(3, 2)
X = torch.ones(4, 3)  # four rows | 四行

# %% first-output
print("output:", tuple(net(X).shape))

# %% too-wide raises="RuntimeError"
net(torch.ones(4, 5))

# %% how-many fold="output"
print("numbers:", sum(p.numel() for p in net.parameters()))

# %% curve fold="code"
import matplotlib.pyplot as plt

x = torch.linspace(-3, 3, 61)
fig, ax = plt.subplots(figsize=(4.8, 3.4))
ax.plot(x, torch.relu(x))
ax.set_xlabel("x", size=12)
ax.set_ylabel("relu(x)", size=12)


# %% check-count
def check_count(count):
    assert count(net) == 8, "two weights for each input"
    assert count(nn.ReLU()) == 0, "it trains nothing"
    print("checked")


# %% count
def count(module):
    return sum(p.numel() for p in module.parameters())


check_count(count)


# %% check-width
def check_width(width):
    assert width(net) == 3
    assert width(nn.Linear(7, 2)) == 7, "not the rows of 2"
    print("checked")


# %% width
def width(layer):
    return layer.weight.shape[1]


check_width(width)
