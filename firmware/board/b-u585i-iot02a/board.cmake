set(BOARD_CORE cortex_m)
set(BOARD_FLAGS -mcpu=cortex-m33 -mthumb -mfpu=fpv5-sp-d16 -mfloat-abi=hard)
set(BOARD_DEFINITIONS BOARD_SERIAL_IRQ=61u)
