"""How much of a core's time a stream takes: cycles against the clock and the rate of patches."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from paritone.features.tables import FrontendTables
from paritone.latency import Cost


@dataclass(frozen=True)
class Load:
    """Continuous listening: every hop makes a frame, every patch step an inference.

    Attributes
    ----------
    frontend, inference : cycles of a frame and of an inference
    estimate : what the cycles are where they were not counted by the core itself
    """

    clock_hz: int
    hops_per_second: float
    patches_per_second: float
    frontend: Cost
    inference: Cost
    estimate: str | None = None

    @classmethod
    def of(
        cls,
        clock_hz: int,
        tables: FrontendTables,
        frontend: Cost,
        inference: Cost,
        estimate: str | None = None,
    ) -> Load:
        """The load of a stream of a frontend's hops and patches."""
        hops = tables.rate_hz / tables.hop_length
        return cls(clock_hz, hops, hops / tables.patch_step, frontend, inference, estimate)

    @property
    def shares(self) -> tuple[float, float]:
        """Of the core's time, by medians: the frontend's and the model's."""
        frontend = self.frontend.median * self.hops_per_second / self.clock_hz
        return frontend, self.inference.median * self.patches_per_second / self.clock_hz

    @property
    def real_time_factor(self) -> float:
        """Seconds of computation for a second of sound, at the most: below 1 it keeps up."""
        busy = self.frontend.maximum * self.hops_per_second
        busy += self.inference.maximum * self.patches_per_second
        return busy / self.clock_hz

    def record(self) -> dict[str, Any]:
        """As JSON has it; fractions."""
        frontend, inference = self.shares
        found = {
            "clock_hz": self.clock_hz,
            "hops_per_second": self.hops_per_second,
            "patches_per_second": self.patches_per_second,
            "cycles": {
                "frontend_per_frame": asdict(self.frontend),
                "inference": asdict(self.inference),
            },
            "inference_seconds": self.inference.median / self.clock_hz,
            "cpu_load": frontend + inference,
            "frontend_load": frontend,
            "inference_load": inference,
            "real_time_factor": self.real_time_factor,
        }
        return {**found, **({"estimate": self.estimate} if self.estimate else {})}

    def rows(self) -> list[tuple[str, str]]:
        """Names and values, to be read."""
        frontend, inference = self.shares
        factor = self.real_time_factor
        clock = f"{self.clock_hz / 1e6:g} MHz"
        how = " (estimate)" if self.estimate else ""
        return [
            (
                "CPU load",
                f"{frontend + inference:.2%} of {clock} (frontend {frontend:.2%}, "
                f"model {inference:.2%}){how}",
            ),
            (
                "real-time factor",
                f"{factor:.4f} at most: {1 / factor:.1f} times faster than the sound comes{how}",
            ),
            (
                "one inference",
                f"{1000 * self.inference.median / self.clock_hz:.2f} ms, one every "
                f"{1000 / self.patches_per_second:.0f} ms{how}",
            ),
        ]
