from paritone.cli import app  # noqa: F401
