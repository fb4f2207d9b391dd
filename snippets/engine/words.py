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
        "fold-code": "画图的代码",
        "fold-output": "想好了，看结果",
        "proven": "已证明",
        "recorded": "已在别处证明",
        "unproven": "这次未证明",
        "proven-by": "这次构建运行了它的测试：torch {torch}，{device}。",
        "recorded-by": "测试于 {date} 在另一台机器上通过：{devices}，torch {torch}。",
        "unproven-by": "它的测试需要 {need}，而这次构建{had}。",
        "test": "测试",
        "source": "测试的源码",
        "cpu": "CPU（没有 CUDA 设备）",
        "script": "本页的全部代码，从头到尾可以直接运行；会报错的语句只打印错误。",
        "script-show": "显示上面画的图",
        "script-needs": "未运行，需要 {need}",
        "read": "已读",
        "forget": "清除所有已读记录",
        "page-code": "本页代码",
        "copy-page": "复制全部",
        "download-script": "下载 {name}",
        "ran-on": "全站的输出由 torch {torch}、Python {python} 在 {device} 上运行得出。",
        "notebook": "这份 notebook 出自《实证笔记》，里面的输出来自 torch {torch}、Python {python}，运行在 {device}；换了版本，输出可能不同。有些单元格是特意用来报错的：“全部运行”如果停在那里，就从下一格接着运行。文字 CC BY-SA 4.0，代码 MIT。",
        "install": "# 在 Colab 里，或者想用同样的版本：去掉下一行开头的 #，先运行这一格。",
        "folder": "# 下面的代码会写文件：放进一个临时文件夹。",
        "fresh": "# 每一节都从空的命名空间和空的文件夹开始，和重启内核之后一样。",
        "cell-skipped": "未运行：这段代码需要 {need}。",
        "full": "全部各节，一个文件",
        "contents": "目录",
        "ticks": "句末的 ✓ 表示这句话有测试证明。",
        "chapter": "整章 notebook",
        "chapter-description": "全部各节合成的一份 notebook：正文、代码，以及这次构建的输出，从上到下一次运行完。",
        "download": "下载 notebook",
        "download-all": "下载全部 notebook（zip）",
        "colab": "在 Colab 中打开",
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
        "fold-code": "The code that draws it",
        "fold-output": "Decided? Show what happens",
        "proven": "Proven",
        "recorded": "Proven elsewhere",
        "unproven": "Not proven this time",
        "proven-by": "This build ran its test with torch {torch} on {device}.",
        "recorded-by": "Its test passed on another machine on {date}: {devices}, torch {torch}.",
        "unproven-by": "Its test needs {need}, and this build had {had}.",
        "test": "Test",
        "source": "The test’s source",
        "cpu": "a CPU (no CUDA device)",
        "script": "All the code of the page; it runs from top to bottom, and prints the errors that it shows.",
        "script-show": "Show what was drawn above",
        "script-needs": "not run, needs {need}",
        "read": "Read",
        "forget": "Forget what I have read",
        "page-code": "The code of this page",
        "copy-page": "Copy all",
        "download-script": "Download {name}",
        "ran-on": "The outputs on this site were made by torch {torch} and Python {python} on {device}.",
        "notebook": "A notebook from Proven Notes. Its outputs were made by torch {torch} and Python {python} on {device}; other versions may print something else. Some cells show an error on purpose: where “Run all” stops at one, go on from the next cell. Text CC BY-SA 4.0, code MIT.",
        "install": "# In Colab, or to have the same version: take the # off the next line and run this cell first.",
        "folder": "# What follows writes files: they go to a temporary folder.",
        "fresh": "# Each section begins with no names and no files, as after a restart of the kernel.",
        "cell-skipped": "Not run: this code needs {need}.",
        "full": "All sections in one file",
        "contents": "Contents",
        "ticks": "A ✓ at the end of a sentence means that a test proves it.",
        "chapter": "The chapter as a notebook",
        "chapter-description": "All sections as one notebook: the text, the code and the outputs of this build, to be run from top to bottom.",
        "download": "Download notebook",
        "download-all": "Download all notebooks (zip)",
        "colab": "Open in Colab",
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


def needs(language: str, count: int, had: int, key: str = "needs") -> str:
    """Say that a snippet was not run, or a claim not proven, for want of CUDA devices.

    Args:
        language: `zh` or `en`.
        count: How many devices it needs.
        had: How many there were.
        key: The phrase: `needs` for a snippet, `unproven-by` for a claim.
    """
    return word(
        language,
        key,
        need=_gpus(language, count),
        had=word(language, "had", count=had) if had else word(language, "had-none"),
    )


def needs_named(language: str, count: int) -> str:
    """Say what a snippet needs, where nobody knows yet what there will be: in a page's script.

    Args:
        language: `zh` or `en`.
        count: How many devices it needs.
    """
    return word(language, "script-needs", need=_gpus(language, count))


def _gpus(language: str, count: int) -> str:
    return word(language, "gpu" if count == 1 else "gpus", count=count)


def recorded(language: str, record: Record) -> str:
    """Say where and when a recorded output came from.

    Args:
        language: `zh` or `en`.
        record: The record.
    """
    machine = record.machine
    return word(
        language,
        "record",
        date=record.date,
        devices=_counted(machine.devices),
        driver=machine.driver or "?",
        torch=machine.torch,
        cuda=machine.cuda or "?",
        commit=(record.commit or "?")[:10],
    )


def _counted(devices: tuple[str, ...]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in Counter(devices).items())


def proven(language: str, count: int, state: str, machine: Machine, record: Record | None) -> str:
    """Say with what a claim was proven, or why it was not.

    Args:
        language: `zh` or `en`.
        count: How many devices its test needs.
        state: `proven`, `recorded` or `skipped`.
        machine: Where its test ran, or would have to.
        record: The record that tells, of a recorded one.
    """
    if state == "skipped":
        return needs(language, count, len(machine.devices), "unproven-by")
    if record:
        devices = _counted(machine.devices)
        return word(language, "recorded-by", date=record.date, devices=devices, torch=machine.torch)
    device = _counted(machine.devices) or word(language, "cpu")
    return word(language, "proven-by", torch=machine.torch, device=device)


def ran_on(language: str, machine: Machine, key: str = "ran-on") -> str:
    """Say which torch, which Python and which device made the outputs of a page or a notebook.

    Args:
        language: `zh` or `en`.
        machine: Where the sections ran.
        key: The phrase: `ran-on` for a page, `notebook` for a notebook.
    """
    device = ", ".join(machine.devices) or word(language, "cpu")
    return word(language, key, torch=machine.torch, python=machine.python, device=device)
