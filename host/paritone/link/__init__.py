"""The serial link: a pure protocol (framing, messages) and the transport that carries it."""
