"""``python -m paritone.cycles ELF [--machine M] [--cwd DIR] [--annotate FUNCTION] ...``."""

from __future__ import annotations

import argparse
from pathlib import Path

from paritone.cycles import run
from paritone.cycles.profile import Profile


def main() -> None:
    """Run an image that ends by semihosting; print instructions and modelled cycles."""
    parser = argparse.ArgumentParser("python -m paritone.cycles", description=main.__doc__)
    parser.add_argument("elf", type=Path)
    parser.add_argument("--machine", default=run.MACHINE, help=f"of QEMU, default {run.MACHINE}")
    parser.add_argument("--cwd", type=Path, help="current directory of the program")
    parser.add_argument("--timeout", type=float, default=run.TIMEOUT_S, help="seconds")
    parser.add_argument("--annotate", action="append", default=[], metavar="FUNCTION")
    given = parser.parse_args()
    profile = run.run_counted(given.elf, given.machine, given.cwd, timeout_s=given.timeout)
    print("\n".join(table(profile)))
    for name in given.annotate:
        print(run.annotate(given.elf, profile, name))


def table(profile: Profile) -> list[str]:
    """Lines of text: every function, the dearest first."""
    lines = [f"{'instructions':>14} {'cycles':>14}  function (cycles are modelled)"]
    for name, cost in [*profile.symbols.items(), ("total", profile.total)]:
        lines.append(f"{cost.instructions:>14,} {cost.cycles:>14,}  {name}")
    if profile.unknown:
        where = ", ".join(f"{address:#x}" for address in profile.unknown)
        lines.append(f"instructions not recognised, counted as 1 cycle: {where}")
    return lines


if __name__ == "__main__":
    main()
