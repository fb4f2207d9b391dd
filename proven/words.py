"""The few words that the engine itself puts on a page, in each language."""

from collections import Counter
from dataclasses import dataclass

from proven.records import Record
from proven.settings import Settings
from proven.worker import Machine

WORDS = {
    "zh": {
        "name": "中文",
        "output": "输出",
        "error": "报错",
        "error-line": "第 {line} 行",
        "skipped": "未运行",
        "needs": "这段代码需要 {need}，而这次构建{had}。",
        "cuda-one": "1 块 CUDA GPU",
        "cuda-many": "{count} 块 CUDA GPU",
        "cuda-none": "没有 CUDA 设备",
        "had": "只有 {count} 块",
        "record": "下面的输出是 {date} 在另一台机器上录下的：{devices}，{versions}，提交 {commit}。",
        "fold-code": "画图的代码",
        "fold-output": "想好了，看结果",
        "proven": "已证明",
        "recorded": "已在别处证明",
        "unproven": "这次未证明",
        "pending": "正在证明",
        "pending-by": "页面已经更新，它的测试正在运行。",
        "proven-by": "这次构建运行了它的测试：{versions}，{device}。",
        "recorded-by": "测试于 {date} 在另一台机器上通过：{devices}，{versions}。",
        "unproven-by": "它的测试需要 {need}，而这次构建{had}。",
        "test": "测试",
        "source": "测试的源码",
        "no-device": "CPU（没有 CUDA 设备）",
        "cpu": "CPU",
        "driver": "驱动",
        "comma": "，",
        "script": "本页的全部代码，从头到尾可以直接运行；会报错的语句只打印错误。",
        "script-show": "显示上面画的图",
        "script-needs": "未运行，需要 {need}",
        "read": "已读",
        "forget": "清除所有已读记录",
        "page-code": "本页代码",
        "copy-page": "复制全部",
        "download-script": "下载 {name}",
        "ran-on": "全站的输出由 {versions}、Python {python} 在 {device} 上运行得出。",
        "notebook": "这份 notebook 出自《{site}》，里面的输出来自 {versions}、Python {python}，运行在 {device}；换了版本，输出可能不同。有些单元格是特意用来报错的：“全部运行”如果停在那里，就从下一格接着运行。文字 CC BY-SA 4.0，代码 MIT。",
        "install": "# 在 Colab 里，或者想用同样的版本：去掉下一行开头的 #，先运行这一格。",
        "folder": "# 下面的代码会写文件：放进一个临时文件夹。",
        "fresh": "# 每一节都从空的命名空间和空的文件夹开始，和重启内核之后一样。",
        "cell-skipped": "未运行：这段代码需要 {need}。",
        "full": "全部各节，一个文件",
        "contents": "目录",
        "ticks": "句末的 ✓ 表示这句话有测试证明。",
        "chapter": "整章 notebook",
        "no-downloads": "`mkdocs serve` 不制作下载文件：`mkdocs build` 会做。",
        "size": "{size:.0f} KB",
        "download": "下载 notebook",
        "download-all": "下载全部 notebook（zip）",
        "colab": "在 Colab 中打开",
    },
    "en": {
        "name": "English",
        "output": "Output",
        "error": "Error",
        "error-line": "line {line}",
        "skipped": "Not run",
        "needs": "This code needs {need}, and this build had {had}.",
        "cuda-one": "one CUDA GPU",
        "cuda-many": "{count} CUDA GPUs",
        "cuda-none": "no CUDA device",
        "had": "only {count}",
        "record": "What follows was recorded on another machine on {date}: {devices}, {versions}, commit {commit}.",
        "fold-code": "The code that draws it",
        "fold-output": "Decided? Show what happens",
        "proven": "Proven",
        "recorded": "Proven elsewhere",
        "unproven": "Not proven this time",
        "pending": "Being proven",
        "pending-by": "The page is new, and its test is running.",
        "proven-by": "This build ran its test with {versions} on {device}.",
        "recorded-by": "Its test passed on another machine on {date}: {devices}, {versions}.",
        "unproven-by": "Its test needs {need}, and this build had {had}.",
        "test": "Test",
        "source": "The test’s source",
        "no-device": "a CPU (no CUDA device)",
        "cpu": "a CPU",
        "driver": "driver",
        "comma": ", ",
        "script": "All the code of the page; it runs from top to bottom, and prints the errors that it shows.",
        "script-show": "Show what was drawn above",
        "script-needs": "not run, needs {need}",
        "read": "Read",
        "forget": "Forget what I have read",
        "page-code": "The code of this page",
        "copy-page": "Copy all",
        "download-script": "Download {name}",
        "ran-on": "The outputs on this site were made by {versions} and Python {python} on {device}.",
        "notebook": "A notebook from {site}. Its outputs were made by {versions} and Python {python} on {device}; other versions may print something else. Some cells show an error on purpose: where “Run all” stops at one, go on from the next cell. Text CC BY-SA 4.0, code MIT.",
        "install": "# In Colab, or to have the same version: take the # off the next line and run this cell first.",
        "folder": "# What follows writes files: they go to a temporary folder.",
        "fresh": "# Each section begins with no names and no files, as after a restart of the kernel.",
        "cell-skipped": "Not run: this code needs {need}.",
        "full": "All sections in one file",
        "contents": "Contents",
        "ticks": "A ✓ at the end of a sentence means that a test proves it.",
        "chapter": "The chapter as a notebook",
        "no-downloads": "`mkdocs serve` makes no downloads: `mkdocs build` does.",
        "size": "{size:.0f} KB",
        "download": "Download notebook",
        "download-all": "Download all notebooks (zip)",
        "colab": "Open in Colab",
    },
}


@dataclass(frozen=True)
class Words:
    """The engine's phrases in one language.

    Attributes:
        settings: Of the project, which may have phrases of its own; where a language has none,
            the English ones stand.
        language: The code of the language.
    """

    settings: Settings
    language: str

    def __call__(self, key: str, **values: object) -> str:
        """Return a phrase, with values in its gaps."""
        own = self.settings.words.get(self.language, {})
        phrase = own.get(key) or WORDS.get(self.language, {}).get(key) or WORDS["en"][key]
        return phrase.format(**values)

    def joined(self, *sentences: str) -> str:
        """Sentences as one text; Chinese has no space between them."""
        return ("" if self.language == "zh" else " ").join(filter(None, sentences))

    def devices(self, kind: str, count: int) -> str:
        """A number of devices of a kind, such as `2 CUDA GPUs`."""
        return self(f"{kind}-one" if count == 1 else f"{kind}-many", count=count)

    def needs(self, kind: str, count: int, had: int, key: str = "needs") -> str:
        """Say that a snippet was not run (`needs`), or a claim not proven (`unproven-by`), and why."""
        told = self("had", count=had) if had else self(f"{kind}-none")
        return self(key, need=self.devices(kind, count), had=told)

    def recorded(self, record: Record) -> str:
        """Say where and when a recorded output came from."""
        machine = record.machine
        return self(
            "record",
            date=record.date,
            devices=_counted(machine.devices),
            versions=self._versions(machine),
            commit=(record.commit or "?")[:10],
        )

    def proven(
        self, claim_devices: int, state: str, machine: Machine, record: Record | None
    ) -> str:
        """Say with what a claim was proven, or why it was not.

        Args:
            claim_devices: How many devices its test needs.
            state: `proven`, `recorded`, `skipped` or `pending`.
            machine: Where its test ran, or would have to.
            record: The record that tells, of a recorded one.

        Returns:
            The phrase.
        """
        if state == "pending":
            return self("pending-by")
        if state == "skipped":
            kind = next(iter(self.settings.devices), "cuda")
            return self.needs(kind, claim_devices, len(machine.devices), "unproven-by")
        told = _counted(machine.devices)
        if record:
            return self(
                "recorded-by", date=record.date, devices=told, versions=self._packages(machine)
            )
        device = told or self._no_device()
        return self("proven-by", versions=self._packages(machine), device=device)

    def ran_on(self, machine: Machine, key: str = "ran-on", **values: object) -> str:
        """Say what made the outputs of a page (`ran-on`) or of a notebook (`notebook`)."""
        device = ", ".join(machine.devices) or self._no_device()
        versions = self._packages(machine)
        return self(key, versions=versions, python=machine.python, device=device, **values)

    def _no_device(self) -> str:
        return self("no-device" if self.settings.devices else "cpu")

    def _packages(self, machine: Machine) -> str:
        told = [f"{name} {machine.versions[name]}" for name in self.settings.packages]
        return self("comma").join(told)

    def _versions(self, machine: Machine) -> str:
        order = sorted(machine.versions, key=lambda name: name != "driver")
        told = [
            f"{self('driver') if name == 'driver' else name} {machine.versions[name]}"
            for name in order
        ]
        return self("comma").join(told)


def _counted(devices: tuple[str, ...]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in Counter(devices).items())
