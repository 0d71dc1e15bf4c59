set(BOARD_CORE cortex_m)
set(BOARD_FLAGS -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard)
set(BOARD_DEFINITIONS BOARD_SERIAL_IRQ=38u)
