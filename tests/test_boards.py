"""Boards of silicon: their firmware against what their reference manuals and user manuals say.

Each table here was written from the manuals, apart from the boards' own sources.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import chip
from board_projects import Boards, Built
from chip import Chip, Family
from paritone import boards as supported
from paritone.errors import ConfigError, ToolMissingError
from paritone.link import transport
from paritone.link.protocol import Message

KB, MHZ = 1024, 1_000_000
BAUD_TOLERANCE = 0.015
"""A receiver that samples in the middle stands 5 %; the oscillator's own 1 % comes on top."""


def _bits(word: int, low: int, n: int) -> int:
    return word >> low & ((1 << n) - 1)


# ------------------------------------------------------------------- STM32F4 and F7


def _f4_clock(c: Chip) -> tuple[float, float, float, int]:
    """Core, APB1 and APB2 in hertz, wait states at the switch (RM0090 7.3.2, 7.3.3)."""
    pll, buses = c[0x40023804], c[0x40023808]
    assert not pll >> 22 & 1, "HSI is the source"
    source = 16 * MHZ / _bits(pll, 0, 6)
    assert 1 * MHZ <= source <= 2 * MHZ
    vco = source * _bits(pll, 6, 9)
    assert 100 * MHZ <= vco <= 432 * MHZ
    assert vco / _bits(pll, 24, 4) <= 48 * MHZ
    core = vco / (2, 4, 6, 8)[_bits(pll, 16, 2)]
    assert _bits(buses, 4, 4) < 8, "AHB is not divided"

    def bus(low: int) -> float:
        field = _bits(buses, low, 3)
        return core / (1 << (field - 3) if field >= 4 else 1)

    switch = c.first(0x40023808, 3, 2)
    assert c.before(switch, 0x40023800) >> 24 & 1, "the PLL is on before the switch"
    return core, bus(10), bus(13), _bits(c.before(switch, 0x40023C00), 0, 4)


def _f4_family(status: int, data: int) -> Family:
    return Family(
        reset={0x40023800: 0x83, 0x40023804: 0x24003010, 0x40007000: 0xC000},
        rules={
            0x40023800: lambda r: r[0x40023800] >> 24 << 25 & 1 << 25,
            0x40023808: lambda r: (r.get(0x40023808, 0) & 3) << 2,
            0x40007004: lambda r: r[0x40007000] & (3 << 16),
        },
        status=status,
        data=data,
    )


def _check_f4(c: Chip, core_mhz: int, apb1: int, apb2: int, wait_states: int) -> None:
    core, slow, fast, latency = _f4_clock(c)
    assert (core, latency) == (core_mhz * MHZ, wait_states)
    assert slow <= apb1 * MHZ
    assert fast <= apb2 * MHZ


def _overdrive(c: Chip) -> None:
    """On, before the switch and after the PLL (RM0390 5.1.4, RM0385 4.1.4)."""
    switch = c.first(0x40023808, 3, 2)
    assert c.before(switch, 0x40007000) & (3 << 16) == 3 << 16
    assert c.first(0x40023800, 1 << 24, 1 << 24) < c.first(0x40007000, 1 << 16, 1 << 16)
    assert c.before(c.first(0x40007000, 1 << 16, 1 << 16), 0x40023840) >> 28 & 1


def _f405(c: Chip) -> float:
    _check_f4(c, 168, 42, 84, 5)
    return _f4_clock(c)[2]


def _f446(c: Chip) -> float:
    _check_f4(c, 180, 45, 90, 5)
    _overdrive(c)
    assert 2 <= _bits(c[0x40023804], 28, 3) <= 7
    return _f4_clock(c)[1]


def _f746(c: Chip) -> float:
    _check_f4(c, 216, 54, 108, 7)
    _overdrive(c)
    _cortex_m7(c)
    return _f4_clock(c)[2]


def _cortex_m7(c: Chip) -> None:
    """Each line of the data cache is invalidated before it is switched on; both are."""
    on = c.first(0xE000ED14, 1 << 16, 1 << 16)
    lines = {value for address, value in c.writes[:on] if address == chip.DCISW}
    assert lines == {way << 30 | line << 5 for way in range(4) for line in range(128)}
    assert c[0xE000ED14] >> 16 & 3 == 3
    assert c.before(c.first(chip.CYCCNT, 0, 0), 0xE0001FB0) == 0xC5ACCE55


# --------------------------------------------------------------------------- STM32L4+


_L4 = Family(
    reset={0x40021000: 0x63, 0x40007000: 0x200, 0x40007080: 0x100},
    rules={
        0x40021000: lambda r: (r[0x40021000] >> 8 & 1) << 10 | (r[0x40021000] >> 24 & 1) << 25,
        0x40021008: lambda r: (r.get(0x40021008, 0) & 3) << 2,
    },
    status=0x1C,
    data=0x28,
)


def _l4r5(c: Chip) -> float:
    """RM0432 6.4.4, 5.1.8, 3.3.3; the clock of LPUART1 is counted in 256ths (48.4.6)."""
    pll = c[0x4002100C]
    source = 16 * MHZ / (_bits(pll, 4, 4) + 1)
    vco = source * _bits(pll, 8, 7)
    assert _bits(pll, 0, 2) == 2
    assert pll >> 24 & 1
    assert 2.66 * MHZ <= source <= 16 * MHZ
    assert 64 * MHZ <= vco <= 344 * MHZ
    core = vco / (2, 4, 6, 8)[_bits(pll, 25, 2)]
    assert core == 120 * MHZ
    switch = c.first(0x40021008, 3, 3)
    assert c.before(switch, 0x40021000) >> 24 & 1
    assert not c.before(switch, 0x40007080) >> 8 & 1, "boost mode"
    assert c.before(switch, 0x40021058) >> 28 & 1, "PWR is clocked"
    assert _bits(c.before(switch, 0x40022000), 0, 4) == 5
    assert _bits(c.writes[switch][1], 4, 4) == 8, "at half the clock first"
    assert _bits(c[0x40021008], 4, 10) == 0, "no bus is divided in the end"
    assert c[0x40007004] >> 9 & 1, "port G has its supply"
    return core * 256


# ---------------------------------------------------------------------------- STM32H7


_H7 = Family(
    reset={0x58024400: 0x83, 0x5802480C: 0x6, 0x58024818: 0x4000},
    rules={
        0x58024400: lambda r: (r[0x58024400] >> 24 & 1) << 25,
        0x58024410: lambda r: (r.get(0x58024410, 0) & 7) << 3,
        0x58024804: lambda r: 1 << 13 if r[0x5802480C] & 7 == 2 else 0,
        0x58024818: lambda r: 1 << 13,
        chip.CCSIDR: lambda r: chip.FOUR_WAYS_OF_128_SETS,
    },
    status=0x1C,
    data=0x28,
)


def _h743(c: Chip) -> float:
    """RM0433 8.7.9 to 8.7.13 and 6.6.2, 4.3.8 (table 17)."""
    select, config, divider = c[0x58024428], c[0x5802442C], c[0x58024430]
    source = 64 * MHZ / _bits(select, 4, 6)
    assert _bits(select, 0, 2) == 0
    assert 8 * MHZ <= source <= 16 * MHZ
    assert _bits(config, 2, 2) == 3
    vco = source * (_bits(divider, 0, 9) + 1)
    assert not config >> 1 & 1
    assert 192 * MHZ <= vco <= 960 * MHZ
    assert config >> 16 & 1
    core = vco / (_bits(divider, 9, 7) + 1)
    assert core == 480 * MHZ
    assert _bits(c[0x58024418], 8, 4) == 0
    assert _bits(c[0x58024418], 0, 4) == 8, "AXI at 240 MHz"
    buses = [_bits(c[0x58024418], 4, 3), *(_bits(c[0x5802441C], low, 3) for low in (4, 8))]
    assert [*buses, _bits(c[0x58024420], 4, 3)] == [4, 4, 4, 4], "peripherals at 120 MHz"
    switch = c.first(0x58024410, 7, 3)
    for address in (0x58024418, 0x5802441C, 0x58024420):
        assert c.before(switch, address) == c[address], "buses are divided before the switch"
    assert c.before(switch, 0x58024400) >> 24 & 1
    assert _bits(c.before(switch, 0x52002000), 0, 6) == 2 << 4 | 4
    scale_1 = c.first(0x58024818, 3 << 14, 3 << 14)
    scale_0 = c.first(0x5800042C, 1, 1)
    assert c.first(0x5802480C, 7, 2) < scale_1 < scale_0 < switch
    assert c.before(scale_0, 0x580244F4) >> 1 & 1, "SYSCFG is clocked"
    _cortex_m7(c)
    return core / 4


# ---------------------------------------------------------------------------- STM32U5


_U5 = Family(
    reset={0x46020C00: 0x5, 0x46020C20: 0x6000},
    rules={
        0x46020C00: lambda r: (r[0x46020C00] >> 8 & 1) << 10 | (r[0x46020C00] >> 24 & 1) << 25,
        0x46020C1C: lambda r: (r.get(0x46020C1C, 0) & 3) << 2,
        0x4602080C: lambda r: 1 << 15 | (r.get(0x4602080C, 0) >> 18 & 1) << 14,
    },
    status=0x1C,
    data=0x28,
)


def _u585(c: Chip) -> float:
    """RM0456 11.4.5, 10.5.4, 7.3.3."""
    config, divider = c[0x46020C28], c[0x46020C34]
    source = 16 * MHZ / (_bits(config, 8, 4) + 1)
    assert _bits(config, 0, 2) == 2
    assert _bits(config, 2, 2) == 3
    assert 8 * MHZ <= source <= 16 * MHZ
    vco = source * (_bits(divider, 0, 9) + 1)
    core = vco / (_bits(divider, 24, 7) + 1)
    assert 128 * MHZ <= vco <= 544 * MHZ
    assert config >> 18 & 1
    assert core == 160 * MHZ
    switch = c.first(0x46020C1C, 3, 3)
    booster = c.first(0x4602080C, 1 << 18, 1 << 18)
    assert c.before(booster, 0x46020C28) == config, "the booster's source is set before it is on"
    assert _bits(config, 12, 4) == 0, "its clock, 4 to 16 MHz, is the source undivided"
    assert c.before(booster, 0x46020C00) >> 8 & 1
    assert c.before(booster, 0x46020C94) >> 2 & 1
    assert _bits(c.before(switch, 0x4602080C), 16, 3) == 7, "range 1 with the booster"
    assert _bits(c.before(switch, 0x40022000), 0, 4) == 4
    assert _bits(c.before(switch, 0x46020C20), 0, 4) == 8
    assert _bits(c[0x46020C20], 0, 4) == 0
    assert c[0x40030400] & 1, "the instruction cache is on"
    return core


# ------------------------------------------------------------------------------ Boards


@dataclass(frozen=True)
class Silicon:
    """A board as its manuals have it.

    Attributes
    ----------
    flash, ram : first address and bytes
    irq, serial : number and base of the serial port that reaches the probe
    pins : port, pin and alternate function of its lines
    enables : register and bit of each clock that it needs
    clock : asserts the clock tree; returns what the baud rate divides
    core : how many times as fast the core is clocked
    divisor : offset of the register that divides it
    """

    chip: Family
    flash: tuple[int, int]
    ram: tuple[int, int]
    irq: int
    serial: int
    pins: tuple[tuple[int, int, int], ...]
    enables: tuple[tuple[int, int], ...]
    clock: Callable[[Chip], float]
    core: float
    divisor: int

    @property
    def serial_registers(self) -> tuple[int, int]:
        """Addresses of what switches the port on, and of its divisor."""
        control = 0x0C if self.chip.data == 0x04 else 0x00
        return self.serial + control, self.serial + self.divisor

    @property
    def enable_bit(self) -> int:
        """UE in CR1 (RM0090 30.6.4, RM0433 48.7.1)."""
        return 13 if self.chip.data == 0x04 else 0

    @property
    def least_divisor(self) -> int:
        """RM0090 30.3.4, RM0433 48.5.7: 16 samples a bit; LPUART, RM0432 48.4.6."""
        return 0x300 if self.core < 1 else 16


_DR, _RDR = _f4_family(0x00, 0x04), _f4_family(0x1C, 0x28)
_RDR.rules[chip.CCSIDR] = lambda r: chip.FOUR_WAYS_OF_128_SETS
_FLASH = 0x08000000
SILICON = {
    "stm32f405": Silicon(
        _DR, (_FLASH, 1024 * KB), (0x20000000, 128 * KB), 37, 0x40011000,
        ((0x40020000, 9, 7), (0x40020000, 10, 7)), ((0x40023830, 0), (0x40023844, 4)), _f405,
        2, 0x08,
    ),
    "nucleo-f446re": Silicon(
        _DR, (_FLASH, 512 * KB), (0x20000000, 128 * KB), 38, 0x40004400,
        ((0x40020000, 2, 7), (0x40020000, 3, 7)), ((0x40023830, 0), (0x40023840, 17)), _f446,
        4, 0x08,
    ),
    "stm32f746g-disco": Silicon(
        _RDR, (_FLASH, 1024 * KB), (0x20000000, 320 * KB), 37, 0x40011000,
        ((0x40020000, 9, 7), (0x40020400, 7, 7)),
        ((0x40023830, 0), (0x40023830, 1), (0x40023844, 4)), _f746,
        2, 0x0C,
    ),
    "nucleo-l4r5zi": Silicon(
        _L4, (_FLASH, 2048 * KB), (0x20000000, 640 * KB), 70, 0x40008000,
        ((0x48001800, 7, 8), (0x48001800, 8, 8)), ((0x4002104C, 6), (0x4002105C, 0)), _l4r5,
        1 / 256, 0x0C,
    ),
    "nucleo-h743zi2": Silicon(
        _H7, (_FLASH, 2048 * KB), (0x24000000, 512 * KB), 39, 0x40004800,
        ((0x58020C00, 8, 7), (0x58020C00, 9, 7)), ((0x580244E0, 3), (0x580244E8, 18)), _h743,
        4, 0x0C,
    ),
    "b-u585i-iot02a": Silicon(
        _U5, (_FLASH, 2048 * KB), (0x20000000, 768 * KB), 61, 0x40013800,
        ((0x42020000, 9, 7), (0x42020000, 10, 7)), ((0x46020C8C, 0), (0x46020CA4, 14)), _u585,
        1, 0x0C,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def started(boards: Boards) -> Callable[[str], tuple[Built, Chip]]:
    found: dict[str, tuple[Built, Chip]] = {}

    def start(name: str) -> tuple[Built, Chip]:
        if name not in found:
            built, known = boards(name), SILICON[name]
            core = supported.get(name).core
            ran = chip.run(built.firmware.elf, known.chip, known.serial, core)
            found[name] = built, ran
        return found[name]

    return start


def test_every_board_of_silicon_is_checked_here() -> None:
    assert set(SILICON) == {b.name for b in supported.all_boards() if b.probe is not None}


@pytest.mark.parametrize("name", ["B-U585I-IOT02A", "b_u585i_iot02a", " b-u585i-iot02a"])
def test_the_zoos_names_are_taken(name: str) -> None:
    assert supported.get(name).name == "b-u585i-iot02a"


def test_an_unknown_board_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"NUCLEO-H7S3L8.*stm32f405, mps2-an386.*b-u585i-iot02a"):
        supported.get("NUCLEO-H7S3L8")


def test_a_board_that_is_not_emulated_asks_for_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    with pytest.raises(ToolMissingError, match=r"nucleo-f446re.*--port"):
        supported.require_tools(supported.get("nucleo-f446re"))
    with pytest.raises(ConfigError, match=r"nucleo-f446re.*--port"):
        _ = supported.get("nucleo-f446re").emulated


@pytest.mark.parametrize("text", ["", "title: x\n", "title: x\ncore: y\nclock_hz: z\n", "[1"])
def test_a_description_that_is_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    folder = tmp_path / "firmware/board/mine"
    folder.mkdir(parents=True)
    (folder / "board.yaml").write_text(text)
    monkeypatch.setattr("paritone.sources.root", lambda: tmp_path)
    supported.all_boards.cache_clear()
    try:
        with pytest.raises(ConfigError, match=r"mine/board\.yaml"):
            supported.all_boards()
    finally:
        monkeypatch.undo()
        supported.all_boards.cache_clear()


@pytest.mark.parametrize("name", SILICON)
def test_the_image_lies_in_the_chips_memory(started: Callable, name: str) -> None:
    from elftools.elf.elffile import ELFFile

    built, _ = started(name)
    known, memory = SILICON[name], supported.get(name).memory
    assert (memory.flash_bytes, memory.ram_bytes) == (known.flash[1], known.ram[1])
    with built.firmware.elf.open("rb") as file:
        elf = ELFFile(file)
        held = [s for s in elf.iter_sections() if s["sh_flags"] & 2 and s["sh_size"]]
        for section in held:
            inside = [
                start <= section["sh_addr"] and section["sh_addr"] + section["sh_size"] <= start + n
                for start, n in (known.flash, known.ram)
            ]
            assert any(inside), section.name
        for segment in elf.iter_segments("PT_LOAD"):
            if segment["p_filesz"]:
                end = segment["p_paddr"] + segment["p_filesz"]
                assert known.flash[0] <= segment["p_paddr"]
                assert end <= sum(known.flash)


@pytest.mark.parametrize("name", SILICON)
def test_the_vector_table_is_the_chips(started: Callable, name: str) -> None:
    from elftools.elf.elffile import ELFFile

    built, _ = started(name)
    known = SILICON[name]
    with built.firmware.elf.open("rb") as file:
        elf = ELFFile(file)
        text = elf.get_section_by_name(".text")
        at = {s.name: s["st_value"] for s in elf.get_section_by_name(".symtab").iter_symbols()}
        words = struct.unpack_from(f"<{16 + known.irq + 1}I", text.data())
    assert text["sh_addr"] == known.flash[0], "where the core looks for it after reset"
    assert words[0] == at["stack_top"]
    assert words[0] % 8 == 0
    assert words[1] == at["reset_handler"] | 1
    assert {words[i] for i in (2, 3, 4, 5, 6, 11, 12, 14)} == {at["fault_handler"] | 1}
    assert words[15] == at["systick_handler"] | 1
    assert words[16 + known.irq] == at["serial_handler"] | 1
    assert not any(words[16 : 16 + known.irq]), "no other interrupt has a handler"


@pytest.mark.parametrize("name", SILICON)
def test_it_starts_at_full_speed_and_reports(started: Callable, name: str) -> None:
    _, ran = started(name)
    known = SILICON[name]
    assert [frame.type for frame in ran.frames] == [Message.READY]
    assert ran.frames[0].argument == 0, "the model was taken"
    uart_hz = known.clock(ran)
    baud = uart_hz / ran[known.serial + known.divisor]
    assert abs(baud / transport.BAUD - 1) < BAUD_TOLERANCE
    for register, bit in known.enables:
        assert ran[register] >> bit & 1, f"{register:#x} bit {bit}"
    for port, pin, function in known.pins:
        alternate = ran[port + 0x20 + 4 * (pin // 8)]
        assert _bits(ran[port], 2 * pin, 2) == 2
        assert _bits(ran[port + 0x0C], 2 * pin, 2) == 1
        assert _bits(alternate, 4 * (pin % 8), 4) == function
    assert ran[0xE000E100 + 4 * (known.irq // 32)] == 1 << known.irq % 32


@pytest.mark.parametrize("name", SILICON)
def test_it_says_the_clock_that_it_runs_at(started: Callable, name: str) -> None:
    """board.yaml's clock is what the registers give: `latency` divides by it."""
    _, ran = started(name)
    known = SILICON[name]
    assert supported.get(name).clock_hz == known.clock(ran) * known.core


@pytest.mark.parametrize("name", SILICON)
def test_it_takes_the_rates_that_its_clock_divides_into(started: Callable, name: str) -> None:
    """The register's value is found anew here; what no divisor gives is refused."""
    built, ran = started(name)
    known, elf = SILICON[name], built.firmware.elf
    clock, control, divisor = known.clock(ran), *known.serial_registers
    base, enable = ran[divisor], known.enable_bit
    taken = []
    for rate in (*transport.RATES, 3 * transport.RATES[0], 0, 2**32 - 1):
        found = chip.call(ran, elf, "board_divisor", rate)
        fits = rate > 0 and clock / rate >= known.least_divisor - 0.5
        expected = round(clock / rate) if fits else 0
        near = expected and abs(clock / expected / rate - 1) <= 1 / 64
        # The LPUART's rate is counted in steps of 256 baud.
        assert abs(found - (expected if near else 0)) <= found / 1000, rate
        if found:
            before = len(ran.writes)
            chip.call(ran, elf, "board_divide", found)
            done = ran.writes[before:]
            assert [at for at, _ in done] == [control, divisor, control]
            assert done[0][1] >> enable & 1 == 0, "the divisor is written while it is off"
            assert done[1][1] == found
            assert done[2][1] == ran.before(before, control)
            taken.append(rate)
    assert 1_000_000 in taken
    chip.call(ran, elf, "board_divide", 0)
    assert ran[divisor] == base


def test_boards_and_host_have_one_baud_rate(repository: Path) -> None:
    header = (repository / "firmware/board/board.h").read_text()
    assert f"#define BOARD_BAUD {transport.BAUD}u" in header
