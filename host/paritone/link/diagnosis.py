"""What is wrong on a line that gives no answer, told by what came instead. No I/O."""

from __future__ import annotations

from paritone.errors import CheckFailedError
from paritone.link import protocol
from paritone.link.health import Health
from paritone.link.port import BAUD

HEARD_BYTES = 512
"""So much of what came before the first frame is kept."""
TEXT_SHARE = 0.9
QUOTED = 40


def of_silence(url: str, what: str, timeout_s: float, heard: bytes, health: Health) -> str:
    """One line: `what` went unanswered for `timeout_s`.

    Parameters
    ----------
    heard : bytes that came and made no frame of ours, none once a frame did
    """
    start = f"the board on {url} does not answer ({what}, {timeout_s:g} s)"
    if health.answered:
        return f"{start}; {health}: is the cable in, and the board powered?"
    if health.resets:
        return f"{start}; it started anew {health.resets} times meanwhile: is its power enough?"
    if health.refused:
        return f"{start}; {health}: it hears us badly, or we it: try another cable"
    if not heard.strip(b"\0\xff"):
        return (
            f"{start}, not a byte came: is it powered, flashed with `paritone flash` and on this "
            "port?"
        )
    if _is_text(heard):
        return (
            f"{start}, but another firmware speaks there, it sent "
            f'"{_quoted(heard)}": flash ours with `paritone flash`'
        )
    return (
        f"{start}; {len(heard)}{'+' if len(heard) >= HEARD_BYTES else ''} bytes came that make no "
        f"frame: wrong baud rate (ours is {BAUD}), another firmware, or a bad cable"
    )


def of_loss(url: str, what: str, health: Health) -> str:
    """One line: the line loses too much to go on."""
    return (
        f"gave up on the line to {url} during {what}: {health.lost_share:.0%} of the last frames "
        f"went unanswered ({health}): try a shorter cable, another USB port"
    )


def of_lost_port(url: str, what: str, error: object, timeout_s: float) -> str:
    """One line: the port went away and did not come back."""
    return (
        f"port {url} was lost during {what} and did not come back within {timeout_s:g} s "
        f"({error}): is the cable in?"
    )


def require_version(version: int) -> None:
    """CheckFailedError when the board speaks another protocol than this program."""
    if version == protocol.VERSION:
        return
    mend = (
        "flash it with `paritone flash`"
        if version < protocol.VERSION
        else "this program is older than the board's firmware: update it, or flash with "
        "`paritone flash`"
    )
    raise CheckFailedError(
        f"the board speaks protocol {version}, this program {protocol.VERSION}: {mend}"
    )


def _is_text(heard: bytes) -> bool:
    printable = sum(32 <= byte < 127 or byte in b"\r\n\t" for byte in heard)
    return printable >= TEXT_SHARE * len(heard)


def _quoted(heard: bytes) -> str:
    text = heard.decode("ascii", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = lines[0] if lines else ""
    return first if len(first) <= QUOTED else first[:QUOTED] + "…"
