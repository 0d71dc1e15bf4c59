"""The portable C on this machine, through cffi: the same sources that the firmware is built from."""
