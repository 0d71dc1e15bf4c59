"""``deployment.flash_budget`` and ``ram_budget``: a firmware that exceeds them is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from paritone.errors import CheckFailedError

if TYPE_CHECKING:
    from paritone.build import Firmware
    from paritone.config import Config


def require(firmware: Firmware, model: Path, config: Config) -> None:
    """CheckFailedError when the firmware exceeds a budget: what takes most, what to cut."""
    problems = [*_flash(firmware, config), *_ram(firmware, model, config)]
    if problems:
        raise CheckFailedError("\n".join(problems))


def _flash(firmware: Firmware, config: Config) -> Iterator[str]:
    budget = config.deployment.flash_budget if config.deployment is not None else None
    if budget is None or firmware.flash_bytes <= budget:
        return
    parts = {
        "the model's weights": firmware.manifest["weights_bytes"],
        "the frontend": firmware.frontend.flash_bytes,
    }
    parts["kernels, firmware and the rest"] = firmware.flash_bytes - sum(parts.values())
    yield (
        f"deployment.flash_budget: the firmware takes {firmware.flash_bytes:,} B of flash, "
        f"{firmware.flash_bytes - budget:,} B more than {budget:,}: {_listed(parts)}; "
        f"{_smaller(config)}take a model with fewer weights"
    )


def _ram(firmware: Firmware, model: Path, config: Config) -> Iterator[str]:
    budget = config.deployment.ram_budget if config.deployment is not None else None
    if budget is None or firmware.ram_bytes <= budget:
        return
    arena = firmware.manifest["arena_bytes"]
    parts = {
        "the model's tensors": arena,
        "the stack": firmware.board.memory.stack_bytes,
        "the frontend": firmware.frontend.ram_bytes,
    }
    parts["the rest"] = firmware.ram_bytes - sum(parts.values())
    yield (
        f"deployment.ram_budget: the firmware takes {firmware.ram_bytes:,} B of RAM, "
        f"{firmware.ram_bytes - budget:,} B more than {budget:,}: {_listed(parts)}; "
        f"{_less_ram(model, config, arena)}take a model with smaller tensors"
    )


def _listed(parts: dict[str, int]) -> str:
    """Largest first."""
    ordered = sorted(parts.items(), key=lambda part: -part[1])
    return ", ".join(f"{size:,} B for {name}" for name, size in ordered if size > 0)


def _smaller(config: Config) -> str:
    if config.optimization == "ram":
        return ""
    return "set tools.stedgeai.optimization to ram, or "


def _less_ram(model: Path, config: Config, arena: int) -> str:
    """What another point would save."""
    from paritone.engine import plan

    if config.optimization == "ram":
        return ""
    least = plan.of_file(model, "ram").arena_bytes
    if least >= arena:
        return ""
    return (
        f"set tools.stedgeai.optimization to ram, which saves {arena - least:,} B of tensors, or "
    )
