"""Families of PyTorch over which claims are tried: what a sentence with "every" is about.

for layer in over(layers(), "layer classes of torch.nn | 种 torch.nn 的层"):
    layer.call(layer.make())

Each function gives the members in the same order every time. `tests/test_families.py` compares them
with what torch exports. Nothing is constructed before a member is used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Inputs = Callable[[], tuple[Any, ...]]


def _words(text: str) -> list[str]:
    return text.split()


LEFT_OUT = {
    "nn.Module": "the base class of all",
    "nn.RNNBase": "the base class of RNN, LSTM and GRU",
    "nn.RNNCellBase": "the base class of the cells",
    "nn.Container": "deprecated, an empty Module",
    "nn.NLLLoss2d": "deprecated name of NLLLoss",
    "nn.DataParallel": "wraps a model for several GPUs",
    "optim.Optimizer": "the base class of all",
    "optim.LBFGS": "its step needs a closure",
    "optim.SparseAdam": "takes sparse gradients only",
    "optim.Muon": "takes matrices only, no biases",
    "init.calculate_gain": "gives a number, changes no tensor",
    **{
        f"init.{name}": f"deprecated name of {name}_"
        for name in _words(
            "uniform normal constant eye dirac xavier_uniform xavier_normal kaiming_uniform "
            "kaiming_normal orthogonal sparse"
        )
    },
    "activations.PReLU": "has a parameter",
    "activations.MultiheadAttention": "has parameters, mixes positions",
    "activations.GLU": "halves a dimension",
    **{
        f"activations.{name}": "looks at a whole dimension"
        for name in _words("Softmax Softmax2d Softmin LogSoftmax")
    },
    **{f"dtypes.{sign}int{n}": "takes no number" for sign in ("", "u") for n in range(1, 8)},
    **{f"dtypes.bits{kind}": "bits without a meaning" for kind in _words("8 16 1x8 2x4 4x2")},
    **{
        f"dtypes.{name}": "only for quantised tensors"
        for name in _words("qint8 quint8 qint32 quint4x2 quint2x4")
    },
    "dtypes.float4_e2m1fn_x2": "two numbers in a byte, takes no single one",
}
"""What torch has and the families leave out, by part, and why; the layers have what activations lack."""


@dataclass(frozen=True, repr=False)
class Member:
    """A class of modules with arguments that fit it; it is shown and counted as the class.

    Attributes:
        cls: The class.
        args: What it is constructed from, or what makes that.
    """

    cls: type[nn.Module]
    args: tuple[Any, ...] | Inputs

    def make(self, **more: Any) -> Any:
        """Construct a module.

        Args:
            **more: Further arguments, where the class takes them: `dtype=torch.float64`.

        Returns:
            The module.
        """
        return self.cls(*(self.args() if callable(self.args) else self.args), **more)

    def __repr__(self) -> str:
        return self.cls.__name__


@dataclass(frozen=True, repr=False)
class Layer(Member):
    """A class of modules that can be called.

    Attributes:
        inputs: Makes an input that fits, the same every time, and leaves the global generator alone.
    """

    inputs: Inputs

    def call(self, module: nn.Module) -> Any:
        """Call a module of this class on an input that fits."""
        return module(*self.inputs())


@dataclass(frozen=True, repr=False)
class Initialiser:
    """A function of `torch.nn.init` that changes a tensor in place; it is shown as the function.

    Attributes:
        function: The function.
        args: What it takes besides the tensor.
        shape: A shape that fits.
    """

    function: Callable[..., Tensor]
    args: tuple[Any, ...]
    shape: tuple[int, ...]

    def __call__(self, tensor: Tensor) -> Tensor:
        return self.function(tensor, *self.args)

    def __repr__(self) -> str:
        return self.function.__name__


@dataclass(frozen=True, repr=False)
class Cut:
    """The beginning of a file.

    Attributes:
        whole: The bytes of the file.
        length: How many are left.
    """

    whole: bytes
    length: int

    @property
    def data(self) -> bytes:
        """What is left."""
        return self.whole[: self.length]

    def __repr__(self) -> str:
        return f"{self.length} of {len(self.whole)} bytes"


def _given(*shapes: tuple[int, ...]) -> Inputs:
    def make() -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(0)
        return tuple(torch.randn(shape, generator=generator) for shape in shapes)

    return make


def _map(dimensions: int) -> tuple[int, ...]:
    return (2, 4, *[8] * dimensions)  # two examples, four channels, eight cells a side


def _sizes(name: str, *args: Any, dimensions: str = "123") -> dict[str, tuple[Any, Inputs]]:
    return {f"{name}{d}d": (args, _given(_map(int(d)))) for d in dimensions}


def _unpool(dimensions: int) -> tuple[Any, Inputs]:
    pool = getattr(functional, f"max_pool{dimensions}d")
    return (2,), lambda: pool(*_given(_map(dimensions))(), 2, return_indices=True)


_ROWS = _given((2, 4))
_PAIR = _given((2, 4), (2, 4))
_STEPS = _given((5, 2, 4))  # five steps of two sequences
_ACTIVATIONS = _words(
    "CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid Mish RReLU ReLU "
    "ReLU6 SELU SiLU Sigmoid Softplus Softshrink Softsign Tanh Tanhshrink Threshold"
)
_LAYERS: dict[str, tuple[Any, Inputs]] = {
    "Linear": ((4, 3), _ROWS),
    "Bilinear": ((4, 4, 3), _PAIR),
    "Identity": ((), _ROWS),
    "Flatten": ((), _given(_map(2))),
    "Unflatten": ((1, (2, 2)), _ROWS),
    "Embedding": ((6, 4), lambda: (torch.tensor([[0, 5], [1, 1]]),)),
    "EmbeddingBag": ((6, 4), lambda: (torch.tensor([[0, 5], [1, 1]]),)),
    **{name: ((0.1, 0.5) if name == "Threshold" else (), _ROWS) for name in _ACTIVATIONS},
    "PReLU": ((), _ROWS),
    "GLU": ((), _ROWS),
    "Softmax": ((1,), _ROWS),
    "Softmax2d": ((), _given(_map(2))),
    "Softmin": ((1,), _ROWS),
    "LogSoftmax": ((1,), _ROWS),
    "Dropout": ((), _ROWS),
    **_sizes("Dropout"),
    "AlphaDropout": ((), _ROWS),
    "FeatureAlphaDropout": ((), _given(_map(2))),
    **_sizes("Conv", 4, 6, 3),
    **_sizes("ConvTranspose", 4, 6, 3),
    "Unfold": ((2,), _given(_map(2))),
    "Fold": (((4, 4), 2), _given((2, 16, 9))),
    **_sizes("MaxPool", 2),
    **{f"MaxUnpool{d}d": _unpool(d) for d in (1, 2, 3)},
    **_sizes("AvgPool", 2),
    **_sizes("FractionalMaxPool", 2, 3, dimensions="23"),
    **_sizes("LPPool", 2, 2),
    **_sizes("AdaptiveMaxPool", 2),
    **_sizes("AdaptiveAvgPool", 2),
    **_sizes("ReflectionPad", 1),
    **_sizes("ReplicationPad", 1),
    **_sizes("ZeroPad", 1),
    **_sizes("ConstantPad", 1, 0.5),
    **_sizes("CircularPad", 1),
    **_sizes("BatchNorm", 4),
    "SyncBatchNorm": ((4,), _given(_map(2))),
    **_sizes("InstanceNorm", 4),
    "GroupNorm": ((2, 4), _given(_map(2))),
    "LayerNorm": ((4,), _ROWS),
    "RMSNorm": ((4,), _ROWS),
    "LocalResponseNorm": ((2,), _given(_map(2))),
    "CrossMapLRN2d": ((2,), _given(_map(2))),
    "RNN": ((4, 3), _STEPS),
    "LSTM": ((4, 3), _STEPS),
    "GRU": ((4, 3), _STEPS),
    "RNNCell": ((4, 3), _ROWS),
    "LSTMCell": ((4, 3), _ROWS),
    "GRUCell": ((4, 3), _ROWS),
    "MultiheadAttention": ((4, 2), _given(*[(5, 2, 4)] * 3)),
    "Transformer": ((4, 2, 1, 1, 8), _given(*[(5, 2, 4)] * 2)),
    "TransformerEncoder": (lambda: (nn.TransformerEncoderLayer(4, 2, 8), 1, None, False), _STEPS),
    "TransformerEncoderLayer": ((4, 2, 8), _STEPS),
    "TransformerDecoder": (
        lambda: (nn.TransformerDecoderLayer(4, 2, 8), 1),
        _given(*[(5, 2, 4)] * 2),
    ),
    "TransformerDecoderLayer": ((4, 2, 8), _given(*[(5, 2, 4)] * 2)),
    "CosineSimilarity": ((), _PAIR),
    "PairwiseDistance": ((), _PAIR),
    "PixelShuffle": ((2,), _given(_map(2))),
    "PixelUnshuffle": ((2,), _given(_map(2))),
    "ChannelShuffle": ((2,), _given(_map(2))),
    "Upsample": ((None, 2), _given(_map(2))),
    "UpsamplingNearest2d": ((None, 2), _given(_map(2))),
    "UpsamplingBilinear2d": ((None, 2), _given(_map(2))),
}
_LAZY: dict[str, tuple[Any, Inputs]] = {
    "LazyLinear": ((3,), _ROWS),
    **_sizes("LazyConv", 6, 3),
    **_sizes("LazyConvTranspose", 6, 3),
    **_sizes("LazyBatchNorm"),
    **_sizes("LazyInstanceNorm"),
}
_CONTAINERS: dict[str, Inputs] = {
    "Sequential": lambda: (nn.Linear(4, 3), nn.ReLU()),
    "ModuleList": lambda: ([nn.Linear(4, 3), nn.ReLU()],),
    "ModuleDict": lambda: ({"first": nn.Linear(4, 3), "second": nn.ReLU()},),
    "ParameterList": lambda: ([torch.ones(2), torch.ones(3)],),
    "ParameterDict": lambda: ({"first": torch.ones(2), "second": torch.ones(3)},),
}


def _classes() -> tuple[Tensor, Tensor]:
    return *_ROWS(), torch.tensor([0, 3])


def _signs(*shapes: tuple[int, ...]) -> Inputs:
    """Inputs of these shapes, and a target of −1 and 1 for each example."""
    return lambda: (*_given(*shapes)(), torch.tensor([1.0, -1.0]))


_LOSSES: dict[str, tuple[Any, Inputs]] = {
    **{name: ((), _PAIR) for name in _words("L1Loss MSELoss SmoothL1Loss HuberLoss")},
    "CrossEntropyLoss": ((), _classes),
    "LinearCrossEntropyLoss": ((4, 5), _classes),
    "AdaptiveLogSoftmaxWithLoss": ((4, 5, [2]), _classes),
    "NLLLoss": ((), lambda: (_ROWS()[0].log_softmax(1), torch.tensor([0, 3]))),
    "CTCLoss": (
        (),
        lambda: (_STEPS()[0].log_softmax(2), torch.tensor([[1, 2], [3, 1]]), (5, 5), (2, 2)),
    ),
    "KLDivLoss": (
        (None, None, "batchmean"),  # the default mean warns
        lambda: (_PAIR()[0].log_softmax(1), _PAIR()[1].softmax(1)),
    ),
    "BCELoss": ((), lambda: (_PAIR()[0].sigmoid(), _PAIR()[1].sigmoid())),
    "BCEWithLogitsLoss": ((), lambda: (_PAIR()[0], _PAIR()[1].sigmoid())),
    "PoissonNLLLoss": ((), lambda: (_PAIR()[0], _PAIR()[1].abs().round())),
    "GaussianNLLLoss": ((), lambda: (*_PAIR(), torch.ones(2, 4))),
    "MultiMarginLoss": ((), _classes),
    "MultiLabelMarginLoss": (
        (),
        lambda: (*_ROWS(), torch.tensor([[3, 0, -1, -1], [1, -1, -1, -1]])),
    ),
    "MultiLabelSoftMarginLoss": ((), lambda: (_PAIR()[0], _PAIR()[1].heaviside(torch.ones(())))),
    "SoftMarginLoss": ((), lambda: (_PAIR()[0], _PAIR()[1].sign())),
    "HingeEmbeddingLoss": ((), _signs((2,))),
    "MarginRankingLoss": ((4.0,), _signs((2,), (2,))),
    "CosineEmbeddingLoss": ((), _signs((2, 4), (2, 4))),
    "TripletMarginLoss": ((), _given(*[(2, 4)] * 3)),
    "TripletMarginWithDistanceLoss": ((), _given(*[(2, 4)] * 3)),
}
_INITIALISERS: dict[str, tuple[tuple[Any, ...], tuple[int, ...]]] = {
    **{name: ((), (8, 6)) for name in _words("uniform_ normal_ trunc_normal_ ones_ zeros_")},
    "constant_": ((0.5,), (8, 6)),
    "eye_": ((), (8, 6)),
    "dirac_": ((), (8, 6, 3)),
    "sparse_": ((0.5,), (8, 6)),
    **{
        f"{n}_{kind}_": ((), (8, 6))
        for n in ("xavier", "kaiming")
        for kind in ("uniform", "normal")
    },
    "orthogonal_": ((), (8, 6)),
}
_OPTIMIZERS = _words(
    "SGD ASGD Adam AdamW NAdam RAdam Adamax Adadelta Adafactor Adagrad RMSprop Rprop"
)
_FLOATS = _words("float16 bfloat16 float32 float64")
_DTYPES = _words(
    "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float8_e4m3fn float8_e4m3fnuz "
    "float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float16 bfloat16 float32 float64 "
    "complex32 complex64 complex128"
)


def _layers(table: dict[str, tuple[Any, Inputs]]) -> list[Layer]:
    return [Layer(getattr(nn, name), *rest) for name, rest in table.items()]


def layers() -> list[Layer]:
    """Layer classes of `torch.nn`: no containers, losses, lazy classes, or what LEFT_OUT names."""
    return _layers(_LAYERS)


def lazy_layers() -> list[Layer]:
    """The lazy classes of `torch.nn`."""
    return _layers(_LAZY)


def containers() -> list[Member]:
    """The classes of `torch.nn` that hold modules or parameters, with two each."""
    return [Member(getattr(nn, name), args) for name, args in _CONTAINERS.items()]


def activations() -> list[Layer]:
    """The layers without parameters that act on each element by itself; RReLU draws in training mode."""
    return [layer for layer in layers() if layer.cls.__name__ in _ACTIVATIONS]


def losses() -> list[Layer]:
    """The losses of `torch.nn`; their input includes the target."""
    return _layers(_LOSSES)


def initialisers() -> list[Initialiser]:
    """The functions of `torch.nn.init` that change a tensor in place."""
    return [Initialiser(getattr(nn.init, name), *rest) for name, rest in _INITIALISERS.items()]


def optimizers() -> list[type[torch.optim.Optimizer]]:
    """The classes of `torch.optim` that take any dense parameters, and a step without a closure."""
    return [getattr(torch.optim, name) for name in _OPTIMIZERS]


def float_dtypes() -> list[torch.dtype]:
    """The floating-point dtypes in which layers compute."""
    return [getattr(torch, name) for name in _FLOATS]


def all_dtypes() -> list[torch.dtype]:
    """The dtypes of tensors that can be made from numbers."""
    return [getattr(torch, name) for name in _DTYPES]


def seeds(n: int = 20) -> range:
    """Seeds from 0 on."""
    return range(n)


def devices() -> list[torch.device]:
    """The CPU, each accelerator of this machine, and `meta`."""
    kind = torch.accelerator.current_accelerator()
    there = range(torch.accelerator.device_count()) if kind else ()
    found = [torch.device(kind.type, number) for number in there if kind]
    return [torch.device("cpu"), *found, torch.device("meta")]


def cut_files(file: Path | bytes) -> list[Cut]:
    """A file cut at lengths from 0 to all but its last byte.

    Args:
        file: The file, or its bytes.

    Returns:
        The beginnings, the shortest first: a few bytes, every tenth of the file, and what lies around
        4 kB and 64 kB, where readers of zip archives look for the end of the archive.
    """
    whole = file if isinstance(file, bytes) else file.read_bytes()
    near = [edge + step for edge in (2**12, 2**16) for step in (-1, 0, 1)]
    tenths = [len(whole) * tenth // 10 for tenth in range(1, 10)]
    lengths = {0, 1, 2, 3, 4, *near, *tenths, len(whole) - 1}
    return [Cut(whole, length) for length in sorted(lengths) if 0 <= length < len(whole)]
