"""The few words that the engine itself puts on a page, in each language."""

from collections import Counter

from snippets.engine.records import Record
from snippets.engine.worker import Machine

WORDS = {
    "zh": {
        "output": "输出",
        "error": "报错",
        "error-line": "第 {line} 行",
        "skipped": "未运行",
        "needs": "这段代码需要 {need}，而这次构建{had}。",
        "gpu": "1 块 CUDA GPU",
        "gpus": "{count} 块 CUDA GPU",
        "had-none": "没有 CUDA 设备",
        "had": "只有 {count} 块",
        "record": "下面的输出是 {date} 在另一台机器上录下的：{devices}，驱动 {driver}，torch {torch}，CUDA {cuda}，提交 {commit}。",
        "fold": "画图的代码",
        "cpu": "CPU（没有 CUDA 设备）",
        "ran-on": "全站的输出由 torch {torch}、Python {python} 在 {device} 上运行得出。",
    },
    "en": {
        "output": "Output",
        "error": "Error",
        "error-line": "line {line}",
        "skipped": "Not run",
        "needs": "This code needs {need}, and this build had {had}.",
        "gpu": "one CUDA GPU",
        "gpus": "{count} CUDA GPUs",
        "had-none": "no CUDA device",
        "had": "only {count}",
        "record": "What follows was recorded on another machine on {date}: {devices}, driver {driver}, torch {torch}, CUDA {cuda}, commit {commit}.",
        "fold": "The code that draws it",
        "cpu": "a CPU (no CUDA device)",
        "ran-on": "The outputs on this site were made by torch {torch} and Python {python} on {device}.",
    },
}


def word(language: str, key: str, **values: object) -> str:
    """Return one of the engine's phrases.

    Args:
        language: `zh` or `en`.
        key: Which phrase.
        values: What stands in the gaps of the phrase.
    """
    return WORDS[language][key].format(**values)


def needs(language: str, count: int, had: int) -> str:
    """Say that a snippet was not run for want of CUDA devices.

    Args:
        language: `zh` or `en`.
        count: How many devices it needs.
        had: How many there were.
    """
    return word(
        language,
        "needs",
        need=word(language, "gpu" if count == 1 else "gpus", count=count),
        had=word(language, "had", count=had) if had else word(language, "had-none"),
    )


def recorded(language: str, record: Record) -> str:
    """Say where and when a recorded output came from.

    Args:
        language: `zh` or `en`.
        record: The record.
    """
    machine = record.machine
    names = Counter(machine.devices)
    return word(
        language,
        "record",
        date=record.date,
        devices=", ".join(f"{count} × {name}" for name, count in names.items()),
        driver=machine.driver or "?",
        torch=machine.torch,
        cuda=machine.cuda or "?",
        commit=(record.commit or "?")[:10],
    )


def ran_on(language: str, machine: Machine) -> str:
    """Say which torch, which Python and which device made the outputs of a page.

    Args:
        language: `zh` or `en`.
        machine: Where the sections ran.
    """
    device = ", ".join(machine.devices) or word(language, "cpu")
    return word(language, "ran-on", torch=machine.torch, python=machine.python, device=device)
