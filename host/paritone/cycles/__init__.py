"""Instructions and modelled cycles of code that an emulated Cortex-M4 executes.

`plugin.c` counts in QEMU how often each block of code runs, `thumb` reads what its instructions
are, `pipeline` says what they cost, `counting` runs an image or attaches to an emulated board, and
`profile` sums up: by function, by instruction, between marks. ``python -m paritone.cycles ELF``
prints the functions of an image.
"""
