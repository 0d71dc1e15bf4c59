"""Paritone: what the desk computes is what the board computes, to the last bit."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["Engine", "Frontend", "__version__"]


def __getattr__(name: str) -> Any:
    """Load the native classes on first use, so that ``import paritone`` costs nothing."""
    if name == "Engine":
        from paritone.native.engine import Engine

        return Engine
    if name == "Frontend":
        from paritone.native.frontend import Frontend

        return Frontend
    raise AttributeError(f"module 'paritone' has no attribute {name!r}")
