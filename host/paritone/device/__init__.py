"""A board that runs our firmware: started, flashed, greeted, and asked for features and scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from paritone import boards
from paritone.boards import Board
from paritone.boards.qemu import Emulator
from paritone.build import Firmware
from paritone.device import flash as flashing
from paritone.device.conversation import CallRun, Device, Patch, crc32
from paritone.errors import ToolMissingError
from paritone.link import discovery
from paritone.link.transport import Transport

__all__ = ["CallRun", "Device", "Patch", "crc32", "open"]


@contextmanager
def open(
    board: Board | str,
    firmware: Firmware,
    port: str | None = None,
    *,
    counting: bool = False,
    arguments: Sequence[str] = (),
) -> Iterator[Device]:
    """Reach a board that runs `firmware`.

    Parameters
    ----------
    port
        what pyserial opens; None starts the emulated board and flashes it through GDB, or finds
        the USB serial port of one of silicon
    counting
        have the emulator count instructions (slower); a real board always counts cycles
    arguments
        of the emulator, further ones

    Raises
    ------
    ToolMissingError
        No such port, no emulator, or nobody answers.
    CheckFailedError
        The board runs another firmware.
    """
    board = boards.get(board) if isinstance(board, str) else board
    if port is None and board.emulator is None:
        port = discovery.find(board.name)
    if port is not None:
        with Transport(port) as transport:
            yield Device(board, firmware, transport, counting=False)
        return
    with (
        Emulator(board, counting=counting, arguments=arguments) as emulator,
        Transport(emulator.serial_url) as transport,
    ):
        try:
            flashing.flash(firmware.elf, emulator.gdb, flashing.EMULATOR_RESET)
            device = Device(board, firmware, transport, counting=counting)
        except ToolMissingError:
            emulator.require_running()
            raise
        yield device
