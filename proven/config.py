"""Reads `mkdocs.yml` and `mkdocs.<language>.yml`, which tell any generator how the site looks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml_env_tag import construct_env_tag

from proven.data import from_data
from proven.problems import Problem, ProjectError, decode
from proven.settings import FILE, Settings
from proven.views import Half

Config = dict[str, Any]


class _Loader(yaml.Loader):
    """Knows `!ENV` as well."""


_Loader.add_constructor("!ENV", construct_env_tag)


def read_configs(settings: Settings) -> dict[str, Config]:
    """Read the configuration of each language, as MkDocs would, but for `!relative`."""
    names = {code: f"mkdocs.{code}.yml" for code in settings.languages}
    names[settings.main] = "mkdocs.yml"
    configs = {language: _read(settings.project / name) for language, name in names.items()}
    for language, config in configs.items():
        extra, at = config.get("extra"), "extra.languages"
        try:
            offered = extra.get("languages", []) if isinstance(extra, dict) else []
            for one in from_data(tuple[dict[str, str], ...], offered, at):
                if one.get("lang") not in settings.languages:
                    raise ValueError(f"{at} has a lang that {FILE} does not: {one.get('lang')}")
        except ValueError as error:
            advice = f"let it be a list of tables, each with a lang of {FILE}"
            raise ProjectError(Problem(str(error), advice, (names[language],))) from None
    return configs


def _read(path: Path) -> Config:
    try:
        config: Config = yaml.load(decode(path.read_bytes(), path.name), _Loader) or {}
        if not isinstance(config, dict):
            raise ValueError("it is no mapping")
        inherited = config.pop("INHERIT", None)
        return _merged(_read(path.parent / inherited), config) if inherited else config
    except (OSError, TypeError, ValueError, RecursionError, yaml.YAMLError) as error:
        what = f"{path.name} cannot be read: {error}"
        raise ProjectError(Problem(what, "correct it", (path.name,))) from None


def _merged(inherited: Config, own: Config) -> Config:
    """A table is completed by what it inherits; a list replaces it."""
    made = {**inherited, **own}
    for key in inherited.keys() & own.keys():
        if isinstance(inherited[key], dict) and isinstance(own[key], dict):
            made[key] = _merged(inherited[key], own[key])
    return made


def halves_of(
    settings: Settings, configs: Mapping[str, Mapping[str, Any]], address: str | None
) -> dict[str, Half]:
    """What the configurations say of the pages of each language; and the address of the site, if that is known."""
    return {
        language: Half(
            name=configs[language].get("site_name") or "",
            description=configs[language].get("site_description") or "",
            address=f"{address.rstrip('/')}/{settings.root(language)}" if address else "",
            copyright=configs[language].get("copyright") or "",
        )
        for language in settings.languages
    }
