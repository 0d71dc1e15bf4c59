"""Where the portable C lives: beside the package in a checkout, inside it in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """Folder that holds ``firmware/``, ``cmsis_dsp_ref/`` and ``CMakeLists.txt``."""
    checkout = _PACKAGE.parents[1]
    return checkout if (checkout / "firmware").is_dir() else _PACKAGE / "c_sources"


def portable_sources() -> list[Path]:
    """C files that are compiled everywhere: a file's folder decides, there is no other list.

    ``cmsis_dsp_ref/src/tables`` is for other programs: the frontend brings tables of its own.
    """
    top = root()
    return sorted([*(top / "firmware/src").glob("*.c"), *(top / "cmsis_dsp_ref/src").glob("*.c")])


def include_dirs() -> list[Path]:
    """Folders of the public headers, then of those the portable C keeps to itself."""
    top = root()
    return [top / "firmware/include", top / "cmsis_dsp_ref/include", top / "firmware/src"]
