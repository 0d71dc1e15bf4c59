"""The errors a user meets: each carries the exit status of the command that raised it."""

import errno

_NAMES = "EACCES EDQUOT EFBIG EISDIR ENAMETOOLONG ENOSPC ENOTDIR EPERM EROFS"
NOT_WRITTEN = frozenset(getattr(errno, name, -1) for name in _NAMES.split())
"""Why a file could not be written, where that is the user's to mend: a full disk, no permission."""


class ParitoneError(Exception):
    """Base of every error that is reported in one line, without a traceback."""

    exit_status = 2


class ConfigError(ParitoneError):
    """A configuration that cannot be used: names the section, the key and what is legal."""


class ModelError(ParitoneError):
    """A model file that cannot be read, or that does not fit the configuration."""


class AudioError(ParitoneError):
    """A clip or data set that cannot be read or is too short."""


class CheckFailedError(ParitoneError):
    """A check that was run and failed: a mismatch, a budget exceeded, a device failure."""

    exit_status = 1


class ToolMissingError(ParitoneError):
    """A compiler, emulator, debugger or board that is not there: says what installs it."""

    exit_status = 3


def outcome(error: Exception) -> tuple[int, str]:
    """Exit status and line of any error: a file that cannot be written is the user's to mend."""
    if isinstance(error, ParitoneError):
        return error.exit_status, str(error)
    if isinstance(error, OSError) and error.errno in NOT_WRITTEN:
        place = f"{error.filename}: " if error.filename is not None else ""
        return 2, f"{place}cannot be written or read: {error.strerror}"
    return 1, f"internal error, {type(error).__name__}: {error}"
