"""From a YAML file and overrides, through Hydra's compose, to a validated `Config`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from paritone.config.checks import check, check_features
from paritone.config.coercion import is_none
from paritone.config.fields import Named
from paritone.config.problems import explain, record_at
from paritone.config.records import Config
from paritone.config.sets import with_published_sets
from paritone.errors import ConfigError

if TYPE_CHECKING:
    from omegaconf import DictConfig

CUSTOM_MODEL = "custom_model.py"
"""The file beside the configuration that builds a custom model, unless the file names another."""

_ENVIRONMENT = re.compile(r"\$\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}")


def load(
    directory: Path | str, name: str = "user_config.yaml", overrides: Sequence[str] = ()
) -> Config:
    """Read the configuration `name` of a directory, with Hydra's overrides; else ConfigError."""
    return from_dictconfig(compose(directory, name, overrides), directory)


def load_file(path: Path | str, overrides: Sequence[str] = ()) -> Config:
    """Read one configuration file, with Hydra's overrides; ConfigError if it is unfit."""
    return load(Path(path).parent, Path(path).name, overrides)


def load_sections(path: Path | str, overrides: Sequence[str] = ()) -> Config:
    """Read one configuration file for a command that is given its model; ConfigError if unfit.

    The sections are validated, and the features must be there; what ``operation_mode`` would need
    of files and data is not checked.
    """
    directory = Path(path).parent
    config = _validated(compose(directory, Path(path).name, overrides), directory)
    check_features(config)
    return config


def compose(
    directory: Path | str, name: str, overrides: Sequence[str] = (), *, whole: bool = False
) -> DictConfig:
    """Return what Hydra makes of a file and its overrides, its own section only if `whole`."""
    import yaml
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    path = _existing_file(directory, name)
    try:
        with initialize_config_dir(str(path.parent), version_base="1.3"):
            return hydra_compose(path.name, list(overrides), return_hydra_config=whole)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path.name}: {_yaml_problem(error)}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path.name}: expected UTF-8 text, got other bytes") from error
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise ConfigError(f"{path.name}: {_first_lines(error)}") from error


def from_dictconfig(cfg: DictConfig, directory: Path | str | None = None) -> Config:
    """Validate what Hydra composed (`hydra.main`'s argument too); ConfigError if it is unfit.

    A custom model is looked for in `directory`, the configuration's own, unless the file names it.
    """
    config = _validated(cfg, directory)
    check(config)
    return config


def _validated(cfg: DictConfig, directory: Path | str | None) -> Config:
    sections = {key: value for key, value in _plain(cfg).items() if not is_none(value)}
    sections = _without_blanks(sections, Config)
    training = sections.get("training")
    if directory is not None and isinstance(training, dict):
        training.setdefault("custom_model_path", str(Path(directory).absolute() / CUSTOM_MODEL))
    sections.pop("hydra", None)
    try:
        return with_published_sets(Config.model_validate(sections))
    except ValidationError as error:
        raise ConfigError(explain(error, Config)) from error


def _existing_file(directory: Path | str, name: str) -> Path:
    path = (Path(directory).expanduser() / name).absolute()
    if not path.is_file() and path.suffix not in (".yaml", ".yml"):
        path = path.with_name(path.name + ".yaml")
    if not path.is_file():
        raise ConfigError(
            f"{path}: no such configuration file; see --config-path and --config-name"
        )
    return path


def _plain(cfg: DictConfig) -> dict[str, Any]:
    """Return the configuration as plain containers, interpolations and variables resolved."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    raw = OmegaConf.to_container(cfg, resolve=False)
    if not isinstance(raw, dict):
        raise ConfigError(f"expected sections with keys, got {type(raw).__name__}")
    raw.pop("hydra", None)
    expanded = _expand(raw, set(raw), "")
    try:
        plain = OmegaConf.to_container(OmegaConf.create(expanded), resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(_first_lines(error)) from error
    return {str(key): value for key, value in plain.items()}  # type: ignore[union-attr]


def _expand(node: Any, sections: set[Any], place: str) -> Any:
    """Replace ``${NAME}`` by the environment's value where NAME is no key of the file."""
    if isinstance(node, dict):
        return {k: _expand(v, sections, f"{place}.{k}".lstrip(".")) for k, v in node.items()}
    if isinstance(node, list):
        return [_expand(item, sections, place) for item in node]
    if not isinstance(node, str):
        return node

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in sections:
            return match.group(0)
        if name not in os.environ:
            raise ConfigError(f"{place}: the environment variable {name} is not set")
        return os.environ[name]

    return _ENVIRONMENT.sub(value, node)


def _without_blanks(section: dict[str, Any], record: type[BaseModel]) -> dict[str, Any]:
    """Drop keys left blank, which mean their default; the word None stays, and means None."""
    kept = {}
    for key, value in section.items():
        inner = record_at(record, [key])
        if isinstance(value, dict) and inner not in (None, Named):
            value = _without_blanks(value, inner)
        if value is not None:
            kept[key] = value
    return kept


def _yaml_problem(error: Any) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    where = f"line {mark.line + 1}: " if mark is not None else ""
    text = f"{where}not legal YAML: {problem or error}"
    if "escape character" in str(problem):
        text += "; write a path with backslashes without quotes or in single quotes"
    return text


def _first_lines(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("full_key:", "object_type="))]
    key = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key:")), ""
    )
    return (f"{key}: " if key else "") + "; ".join(kept[:2])
