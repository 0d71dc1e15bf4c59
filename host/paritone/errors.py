"""The errors a user meets: each carries the exit status of the command that raised it."""


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
