"""The portable C on this machine, through cffi: the sources that the firmware is built from."""
