"""The firmware of emulated boards: built, flashed through GDB for real, and spoken to."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from board_projects import GATE, Boards, hushed, noise, with_defect
from paritone import boards as supported
from paritone import build, cli, device, latency
from paritone.boards.qemu import Emulator
from paritone.build import budgets as limits
from paritone.config.records import Deployment
from paritone.device import flash
from paritone.errors import CheckFailedError, ModelError, ToolMissingError
from paritone.features import integer
from paritone.link import protocol
from paritone.link.protocol import Frame, Message, Region
from paritone.link.transport import Transport
from paritone.validate import divergence
from serial_faults import BadLine, Faults

BOARDS = ["stm32f405", "mps2-an386"]


@pytest.mark.parametrize("name", BOARDS)
def test_the_firmware_keeps_to_the_boards_memory(boards: Boards, name: str) -> None:
    from elftools.elf.elffile import ELFFile

    built, board = boards(name), supported.get(name)
    firmware, tables = built.firmware, built.project.tables()
    assert 0 < firmware.flash_bytes <= board.memory.flash_bytes
    assert 0 < firmware.ram_bytes <= board.memory.ram_bytes
    with firmware.elf.open("rb") as file:
        elf = ELFFile(file)
        vectors = elf.get_section_by_name(".text").data()[:64]
        symbols = elf.get_section_by_name(".symtab")
        at = {s.name: s["st_value"] for s in symbols.iter_symbols()}
        entry = elf.header["e_entry"]
    words = struct.unpack("<16I", vectors)
    assert words[0] == at["stack_top"]
    assert at["stack_top"] - at["stack_bottom"] == board.memory.stack_bytes
    assert words[1] == entry == at["reset_handler"]
    assert all(word & 1 for word in words[1:7])  # Thumb code
    # The stack lies lowest in RAM: what overflows it faults.
    assert at["stack_bottom"] < at["data_start"] <= at["bss_start"]
    # Only the kernels of this model are linked.
    assert "paritone_products" in at
    assert "paritone_strided_copy" not in at
    assert "paritone_kernels_all" not in at
    # What is promised before the build holds after it.
    manifest = firmware.manifest
    own = firmware.ram_bytes - board.memory.stack_bytes
    trace = 2 * tables.window_length + max(4 * tables.n_fft, 8 * tables.n_mels) + 16
    # Tracing shares the arena's place.
    own -= manifest["stream_bytes"] + max(manifest["arena_bytes"], trace)
    assert 0 < own <= build.APPLICATION_RAM_BYTES


def test_the_linker_script_keeps_to_silicon() -> None:
    memory = supported.get("stm32f405").memory
    assert (memory.flash_bytes, memory.ram_bytes) == (1 << 20, 128 << 10)


def test_a_warning_stops_the_build(boards: Boards, tmp_path: Path) -> None:
    built = boards("stm32f405")
    line = "const paritone_kernels_t paritone_kernels ="
    with pytest.raises(ToolMissingError, match="unused"):
        with_defect(built, tmp_path, "paritone_kernels.c", line, f"static int unused;\n{line}")
    assert not (tmp_path / "firmware/firmware.elf").exists()


@pytest.mark.parametrize("name", BOARDS)
def test_flashed_through_gdb_it_says_who_it_is(boards: Boards, name: str) -> None:
    built = boards(name)
    with device.open(name, built.firmware) as board:
        hello, manifest = board.hello, built.firmware.manifest
        assert hello.board == name
        assert hello.model_sha256 == manifest["model_sha256"]
        assert hello.frontend_sha256 == manifest["frontend_sha256"]
        assert hello.calls == len(manifest["calls"])
        assert hello.arena_bytes == manifest["arena_bytes"]
        assert hello.clock_hz == supported.get(name).clock_hz
        counters = board.counters()
        assert 0 < counters.stack_bytes < hello.stack_bytes
        assert (counters.patches, counters.damaged, counters.repeated) == (0, 0, 0)


def test_a_gdb_server_that_takes_its_time(boards: Boards) -> None:
    """On a loaded machine GDB's own two seconds are over soon."""
    built = boards("stm32f405")
    slow = Faults(stalls=(1,), stall_s=3.0)
    with (
        Emulator(built.project.board) as emulator,
        BadLine(f"socket://{emulator.gdb}", slow, 1) as line,
    ):
        gdb = line.url.removeprefix("socket://")
        flashed = flash.flash(built.firmware.elf, gdb, flash.EMULATOR_RESET)
        assert line.done.stalled == 1
    assert flashed.size > 0


def test_pcm_in_any_chunks_and_patches_give_the_same(boards: Boards) -> None:
    """Streamed or as patches, with features or without: one answer."""
    built = boards("stm32f405")
    pcm = noise(9000)
    expected = integer.patches(pcm, built.project.tables())
    with device.open("stm32f405", built.firmware) as board:
        whole = list(board.stream(pcm))
        assert np.array_equal(np.stack([p.features for p in whole]), expected)
        scores = np.stack([p.scores for p in whole])
        quick = [p.scores for p in board.stream(pcm, features=False)]
        assert np.array_equal(np.stack(quick), scores)
        assert np.array_equal(np.stack([board.scores(p) for p in expected]), scores)
        board.reset()
        got, at, sizes = [], 0, np.random.default_rng(1).integers(0, 1024, 10**4)
        for size in sizes:
            if at == len(pcm):
                break
            progress = board.push(pcm[at : at + size], run=True)
            at += progress.taken
            got += [progress.scores] if progress.ready else []
        assert got == [row.tobytes() for row in scores]
        assert board.counters().stack_bytes < board.hello.stack_bytes // 2


def test_silence_is_told_and_no_inference_spent_on_it(boards: Boards) -> None:
    """The flag is the integer reference's; sound has the scores that it has without a gate."""
    built = boards("stm32f405", GATE)
    pcm = hushed()
    expected, levels, silent = integer.patches_and_levels(pcm, built.project.tables())
    assert np.array_equal(silent, levels < 25 * 1024)
    assert 2 <= silent.sum() <= len(silent) - 2
    with device.open("stm32f405", built.firmware) as board:
        whole = list(board.stream(pcm))
        assert [p.silent for p in whole] == silent.tolist()
        assert np.array_equal(np.stack([p.features for p in whole]), expected)
        quick = list(board.stream(pcm, features=False))
        assert [p.silent for p in quick] == silent.tolist()
        for patch, again, features in zip(whole, quick, expected, strict=True):
            assert again.features is None
            if patch.silent:
                assert patch.scores is None
                assert again.scores is None
            else:
                assert np.array_equal(patch.scores, again.scores)
                assert np.array_equal(patch.scores, board.scores(features))
        board.reset()
        assert _progress(board, pcm, 0) == [(bool(s), None) for s in silent]
        ticks = _progress(board, pcm, 1)
        assert [s for s, _ in ticks] == silent.tolist()
        assert [run is None for _, run in ticks] == silent.tolist(), "silence is not classified"
        assert board.counters().patches == len(silent)


def _progress(board: device.Device, pcm: np.ndarray, run: int) -> list[tuple[bool, int | None]]:
    """Stream by hand: whether each patch is silent, and the ticks of its inference."""
    board.reset()
    found, at = [], 0
    while at < len(pcm):
        progress = board.push(pcm[at : at + 1000], run=bool(run))
        at += progress.taken
        if progress.ready:
            found.append((progress.silent, progress.run_ticks))
        else:
            assert not progress.silent
    return found


def test_every_stage_of_a_frame_can_be_read(boards: Boards) -> None:
    built = boards("stm32f405")
    tables = built.project.tables()
    frame = noise(tables.window_length)
    with device.open("stm32f405", built.firmware) as board:
        trace = divergence.board_trace(board, tables)
        expected = integer.trace(frame, tables)
        for stage in integer.stages_of(tables):
            assert np.array_equal(trace(frame, stage), expected[stage]), stage


class Line:
    """Frames to and from a flashed board, without the transport's care."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("socket://").split(":")
        self._socket = socket.create_connection((host, int(port)), 10)
        self._socket.settimeout(10)
        self._decoder = protocol.Decoder()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> Frame:
        while True:
            found = self._decoder.feed(self._socket.recv(4096))
            if found:
                assert len(found) == 1
                return found[0]

    def ask(self, kind: int, payload: bytes = b"", argument: int = 0, sequence: int = 1) -> Frame:
        self.send(protocol.encode(Frame(kind, argument, sequence, payload)))
        return self.receive()


def test_bad_requests_are_refused_and_repeated_ones_answered_again(boards: Boards) -> None:
    built = boards("stm32f405")
    window = built.project.tables().window_length
    with Emulator(built.project.board) as emulator:
        line = Line(emulator.serial_url)
        flash.flash(built.firmware.elf, emulator.gdb, flash.EMULATOR_RESET)
        assert line.receive() == Frame(Message.READY, 0, protocol.UNASKED)
        answer = line.ask(Message.COUNTERS, sequence=40000)
        assert (answer.type, answer.argument) == (Message.ERROR, protocol.Refusal.GREET)
        assert line.ask(Message.HELLO).type == Message.HELLO | Message.REPLY
        cases = [
            (0x55, b"", 0, protocol.Refusal.UNKNOWN),
            (Message.STEP, b"\1", 0, protocol.Refusal.LENGTH),
            (Message.PCM, b"\1\2\3", 0, protocol.Refusal.LENGTH),
            (Message.STEP, b"\xff\xff\xff\xff", 0, protocol.Refusal.RANGE),
            (Message.TRACE, b"", 6, protocol.Refusal.RANGE),
            (Message.READ, protocol.pack_read(0, 1), 9, protocol.Refusal.RANGE),
            (Message.READ, protocol.pack_read(0, 9999), Region.INPUT, protocol.Refusal.RANGE),
            (Message.READ, protocol.pack_read(2**32 - 1, 2), Region.INPUT, protocol.Refusal.RANGE),
            (Message.READ, protocol.pack_read(0, 1), Region.STEP, protocol.Refusal.STATE),
            (Message.READ, protocol.pack_read(0, 1), Region.TRACE, protocol.Refusal.STATE),
            (Message.WRITE, protocol.pack_write(0, b"x"), Region.OUTPUT, protocol.Refusal.RANGE),
            (
                Message.WRITE,
                protocol.pack_write(2 * window, b"x"),
                Region.FRAME,
                protocol.Refusal.RANGE,
            ),
        ]
        for number, (kind, payload, argument, refusal) in enumerate(cases, 2):
            answer = line.ask(kind, payload, argument, number)
            assert (answer.type, answer.argument) == (Message.ERROR, refusal), cases[number - 2]
            assert answer.sequence == number
        # A damaged frame, noise, then a good one.
        damaged = bytearray(protocol.encode(Frame(Message.COUNTERS, 0, 90)))
        damaged[3] ^= 1
        line.send(bytes(damaged))
        answer = line.receive()
        assert (answer.type, answer.argument) == (Message.ERROR, protocol.Refusal.FRAME)
        assert answer.sequence == protocol.UNASKED
        # A repetition is answered again, and its samples are not taken twice; under another
        # number neither, and what would leave a gap is not taken.
        half = noise(700).tobytes()
        first = line.ask(Message.PCM, protocol.pack_pcm(0, 0, half), 0, 100)
        assert line.ask(Message.PCM, protocol.pack_pcm(0, 0, half), 0, 100) == first
        for number, at in ((101, 0), (102, 701), (103, 2**32 - 1)):
            again = line.ask(Message.PCM, protocol.pack_pcm(at, 0, half), 0, number)
            assert protocol.Progress.unpack(again.payload).position == 700
        rest = line.ask(Message.PCM, protocol.pack_pcm(600, 0, half), 0, 104)
        assert protocol.Progress.unpack(rest.payload).position == 1300
        # One that a later request overtook has no answer: the next is the counters'.
        line.send(protocol.encode(Frame(Message.FINISH, 0, 99)))
        counters = protocol.Counters.unpack(line.ask(Message.COUNTERS, sequence=105).payload)
        assert (counters.patches, counters.damaged, counters.repeated) == (0, 1, 1)
        # A hello is never taken for a repetition.
        assert line.ask(Message.HELLO, sequence=105).type == Message.HELLO | Message.REPLY


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("set $pc = 0x60000000", r"the board stopped: .*fault at pc=0x60000000"),
        ("set $sp = (unsigned)&stack_bottom + 8", r"the board stopped: .*the stack overflowed"),
    ],
)
def test_a_fault_is_reported_with_its_place(boards: Boards, change: str, expected: str) -> None:
    built = boards("stm32f405")
    with Emulator(built.project.board) as emulator, Transport(emulator.serial_url) as line:
        flash.flash(built.firmware.elf, emulator.gdb, flash.EMULATOR_RESET)
        line.request(Message.HELLO)
        command = ["gdb-multiarch", "-nx", "-batch", str(built.firmware.elf)]
        for text in (f"target extended-remote {emulator.gdb}", change, "detach"):
            command += ["-ex", text]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        with pytest.raises(CheckFailedError, match=expected):
            line.request(Message.COUNTERS, timeout_s=10)


def test_a_firmware_for_another_model_is_refused(boards: Boards) -> None:
    built = boards("stm32f405")
    other = boards("stm32f405", ["+quantization.granularity=per_tensor"])
    wrong = replace(other.firmware, manifest=built.firmware.manifest)
    with pytest.raises(CheckFailedError) as caught, device.open("stm32f405", wrong):
        pass
    for firmware in (built.firmware, other.firmware):
        assert firmware.manifest["model_sha256"] in str(caught.value)
    manifest = {**built.firmware.manifest, "frontend_sha256": "0" * 64}
    changed = replace(built.firmware, manifest=manifest)
    with (
        pytest.raises(CheckFailedError, match="another frontend"),
        device.open("stm32f405", changed),
    ):
        pass


def test_counts_are_instructions_and_both_boards_agree(boards: Boards) -> None:
    found = {}
    for name in BOARDS:
        built = boards(name)
        with device.open(name, built.firmware, counting=True) as board:
            start = board.spin(0)
            for n in (1000, 10**6, 5 * 10**7):  # the last beyond the counter's 24 bits
                counted = board.board.instructions(board.spin(n) - start)
                assert abs(counted - 2 * n) <= 25
            found[name] = latency.measure(board, built.clips[0][1], built.project.tables())
    one, other = (found[name] for name in BOARDS)
    assert one.unit == other.unit == "instructions"
    for a, b in ((one.frontend, other.frontend), (one.inference, other.inference)):
        assert a.median == pytest.approx(b.median, rel=0.005, abs=40)
    layers = sum(layer.cost.median for layer in one.layers)
    assert layers == pytest.approx(one.inference.median, rel=0.02)
    assert [layer.name for layer in one.layers] == [
        layer["name"] for layer in built.firmware.manifest["layers"]
    ]
    assert one.frontend.minimum > 1000
    assert 100 < one.stack_bytes < 4096


@pytest.mark.parametrize("name", ["mps2-an500", "mps2-an505"])
def test_other_cores_count_instructions_too(boards: Boards, name: str) -> None:
    built = boards(name)
    with device.open(name, built.firmware, counting=True) as board:
        start = board.spin(0)
        counted = board.board.instructions(board.spin(10**6) - start)
        assert counted == pytest.approx(2 * 10**6, abs=25)
        found = latency.measure(board, built.clips[0][1], built.project.tables(), runs=2)
    assert found.unit == "instructions"
    assert found.frontend.minimum > 1000
    assert found.clock_hz == supported.get(name).clock_hz
    layers = sum(layer.cost.median for layer in found.layers)
    assert layers == pytest.approx(found.inference.median, rel=0.02)


def test_without_counting_nothing_is_measured(boards: Boards) -> None:
    built = boards("stm32f405")
    with (
        device.open("stm32f405", built.firmware) as board,
        pytest.raises(CheckFailedError, match="counts neither"),
    ):
        latency.measure(board, built.clips[0][1], built.project.tables())


# ------------------------------------------------------------------ What is not there


def test_what_does_not_fit_is_refused_before_the_build(boards: Boards, tmp_path: Path) -> None:
    manifest = {**boards("stm32f405").firmware.manifest, "arena_bytes": 147456}
    with pytest.raises(ModelError, match=r"147,456 B .* the board has 131,072 B; it fits mps2"):
        build.require_fit(manifest, supported.get("stm32f405"))
    build.require_fit(manifest, supported.get("mps2-an386"))
    with pytest.raises(ModelError, match="of flash"):
        build.require_fit(
            {**manifest, "arena_bytes": 0, "weights_bytes": 2 << 20}, supported.get("stm32f405")
        )


def test_a_firmware_beyond_its_budgets_is_refused(boards: Boards) -> None:
    """What takes most comes first, then what to cut; a byte more would do."""
    built = boards("stm32f405")
    firmware, model = built.firmware, built.project.model

    def require(**budgets: int) -> None:
        deployment = Deployment.model_validate(budgets)
        config = built.project.config.model_copy(update={"deployment": deployment})
        limits.require(firmware, model, config)

    require(flash_budget=firmware.flash_bytes, ram_budget=firmware.ram_bytes)
    with pytest.raises(CheckFailedError, match=r"ram_budget: .* 1 B more than .* smaller tensors"):
        require(ram_budget=firmware.ram_bytes - 1)
    arena = firmware.manifest["arena_bytes"]
    with pytest.raises(CheckFailedError, match=f"{arena:,} B for the model's tensors"):
        require(ram_budget=1)
    with pytest.raises(CheckFailedError, match=r"flash_budget: .*optimization to ram"):
        require(flash_budget=firmware.flash_bytes - 1)
    assert CheckFailedError.exit_status == 1


def run_cli(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(list(arguments))
    return int(caught.value.code or 0)


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        ("arm-none-eabi-gcc", "apt-get install gcc-arm-none-eabi"),
        ("qemu-system-arm", "apt-get install qemu-system-arm"),
        ("gdb-multiarch", "apt-get install gdb-multiarch"),
        ("ninja", "apt-get install ninja-build"),
    ],
)
def test_a_missing_tool_names_the_line_that_installs_it(
    missing: str,
    line: str,
    tiny_config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in supported.TOOLS:
        found = supported.tool(name)
        if name != missing:
            (tmp_path / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "out"
    assert run_cli("validate", "--config", str(tiny_config), "--out", str(out)) == 3
    error = capsys.readouterr().err
    assert missing in error
    assert line in error
    assert not out.exists()
    assert run_cli("doctor") == 3
    assert line in capsys.readouterr().out


def test_a_missing_port_and_a_silent_board(boards: Boards) -> None:
    built = boards("stm32f405")
    with (
        pytest.raises(ToolMissingError, match="/dev/no-such-port cannot be opened") as caught,
        device.open("stm32f405", built.firmware, "/dev/no-such-port"),
    ):
        pass
    assert caught.value.exit_status == 3
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"socket://127.0.0.1:{silent.getsockname()[1]}"
        with (
            pytest.raises(ToolMissingError, match=r"does not answer \(HELLO, 10 s\)") as caught,
            device.open("stm32f405", built.firmware, url),
        ):
            pass
        assert caught.value.exit_status == 3


def test_flashing_where_no_server_is(boards: Boards) -> None:
    with pytest.raises(ToolMissingError, match=r"at 127\.0\.0\.1:1: "):
        flash.flash(boards("stm32f405").firmware.elf, "127.0.0.1:1")


def test_bad_usage(tiny_config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(tiny_config)
    assert run_cli("build", "--board", "pdp11", "--config", config) == 2
    assert "stm32f405, mps2-an386" in capsys.readouterr().err
    assert run_cli("build", "a.tflite", "b.tflite", "--config", config) == 2
    assert run_cli("build", "no-such.tflite", "--config", config) == 2
    assert "no-such.tflite: no such model" in capsys.readouterr().err
    assert run_cli("flash", "--runner", "avrdude", "--config", config) == 2
    assert "pyocd, openocd, st-flash, cubeprogrammer" in capsys.readouterr().err
    assert run_cli("monitor") == 2
    assert run_cli("boards") == 0


def test_the_emulator_ends_with_its_user_even_when_that_is_killed() -> None:
    code = (
        "import sys, time\n"
        "from paritone import boards\n"
        "from paritone.boards.qemu import Emulator\n"
        "e = Emulator(boards.get('stm32f405'))\n"
        "print(e._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    user = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert user.stdout is not None
    emulator = int(user.stdout.readline())
    # Until then it is still one of the programs that start it.
    wait_until(lambda: "qemu" in Path(f"/proc/{emulator}/comm").read_text())
    user.send_signal(signal.SIGKILL)
    user.wait(10)
    wait_until(lambda: not alive(emulator))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has collected does not."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
