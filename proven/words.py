"""The few words that the engine itself puts on a page, in each language."""

import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from proven.problems import Problem, ProjectError
from proven.records import Record
from proven.settings import FILE, Settings
from proven.testing import Reach
from proven.worker import Machine

WORDS: dict[str, dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("words.toml").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Words:
    """The engine's phrases in one language, and those that the settings have of their own; without either, the English."""

    settings: Settings
    language: str

    @cached_property
    def _phrases(self) -> dict[str, str]:
        own = self.settings.words.get(self.language, {})
        return WORDS["en"] | WORDS.get(self.language, {}) | own

    def __call__(self, key: str, **values: object) -> str:
        """Return a phrase, with values in its gaps."""
        try:
            return str(self._phrases[key]).format(**values)
        except (AttributeError, LookupError, ValueError) as error:
            what = f"the phrase {key} of [words.{self.language}] cannot be filled: {error!r}"
            told = f"its gaps can be {', '.join(f'{{{name}}}' for name in values) or 'none'}"
            raise ProjectError(Problem(what, told, (f"{FILE}:1",))) from None

    def _device(self, kind: str, form: str, **values: object) -> str:
        """A phrase about a kind of device; the general one where there is none for the kind."""
        known = f"{kind}-{form}" in self._phrases
        return self(f"{kind if known else 'device'}-{form}", kind=kind, **values)

    def joined(self, *sentences: str) -> str:
        """Sentences as one text; Chinese has no space between them."""
        return self("space").join(filter(None, sentences))

    def devices(self, kind: str, count: int) -> str:
        """A number of devices of a kind, such as `2 CUDA GPUs`."""
        return self._device(kind, "one" if count == 1 else "many", count=count)

    def needs(self, kind: str, count: int, had: int, key: str = "needs") -> str:
        """Say that a snippet was not run (`needs`), or a claim not proven (`unproven-by`), and why."""
        told = self("had", count=had) if had else self._device(kind, "none")
        return self(key, need=self.devices(kind, count), had=told)

    def run(self, machine: Machine, date: str = "") -> str:
        """Say in a few words which machine an output is of: this build's, or with a date a record's."""
        device = _counted(machine.devices) or "CPU"
        return self("recorded-run" if date else "this-run", device=device, date=date)

    def recorded(self, record: Record) -> str:
        """Say where the outputs came from that have the label of a record."""
        versions = dict(record.machine.versions)
        driver = [f"{self('driver')} {versions.pop('driver')}"] if "driver" in versions else []
        told = self("comma").join([*driver, *map(" ".join, versions.items())])
        commit, label = (record.commit or "?")[:10], self.run(record.machine, record.date)
        return self("record", label=label, versions=told, commit=commit)

    def proven(self, devices: int, state: str, machine: Machine, record: Record | None) -> str:
        """Say with what a claim was proven, or why it was not."""
        if state == "pending":
            return self("pending-by")
        if state == "skipped":
            kind = next(iter(self.settings.devices), "gpu")
            return self.needs(kind, devices, len(machine.devices), "unproven-by")
        told = _counted(machine.devices)
        versions = self._packages(machine) or f"Python {machine.python}"
        if record:
            return self("recorded-by", date=record.date, devices=told, versions=versions)
        return self("proven-by", versions=versions, device=told or self._no_device())

    def reach(self, cases: Reach) -> str:
        """Say on how many cases of what a claim was tried, or that it was shown on one."""
        here = self.settings.written.index(self.language)
        told = [f"{count} {words.split(' | ')[here]}" for words, count in cases]
        return self("tried", cases=self("comma").join(told)) if told else self("one-case")

    def ran_on(self, machine: Machine, key: str = "ran-on", **values: object) -> str:
        """Say what made the outputs of a page (`ran-on`) or of a notebook (`notebook`)."""
        device = ", ".join(machine.devices) or self._no_device()
        told = filter(None, (self._packages(machine), f"Python {machine.python}"))
        return self(key, versions=self("and").join(told), device=device, **values)

    def _no_device(self) -> str:
        return self("no-device" if self.settings.devices else "cpu")

    def _packages(self, machine: Machine) -> str:
        known = [name for name in self.settings.packages if name in machine.versions]
        told = [f"{name} {machine.versions[name]}" for name in known]
        return self("comma").join(told)


def _counted(devices: tuple[str, ...]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in Counter(devices).items())
