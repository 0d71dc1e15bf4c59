"""A lambda of the configuration is arithmetic: never more, and it ends."""

from __future__ import annotations

import math
import time

import pytest

from paritone.training.expressions import compile_lambda


@pytest.mark.parametrize(
    "text",
    [
        "lambda epoch, lr: (0.0005*epoch + 0.00001) if epoch < 20 else "
        "(0.01 if epoch < 50 else (lr / (1 + 0.0005 * epoch)))",
        "lambda e: 1e-3 * 0.95 ** e",
        "lambda epoch: 0.5 * (1 + math.cos(math.pi * min(epoch, 60) / 60))",
        "lambda n, lr: max(lr * math.exp(-0.1), 1e-5) if n >= 10 and not n % 2 == 1 else lr",
        "lambda epoch, rate: round(abs(-rate) * 10, 2) + (epoch // 7) % 3 + 1 * (2 <= epoch < 9)",
        "lambda e, lr: math.sqrt(e) + math.log(e + 1) + math.floor(e / 3) + pow(lr, 2)",
    ],
)
def test_arithmetic_is_python_s(text: str) -> None:
    rate = compile_lambda(text)
    expected = eval(text, {"math": math})
    for epoch in range(70):
        arguments = (epoch, 0.01)[: expected.__code__.co_argcount]
        assert rate(epoch, 0.01) == pytest.approx(expected(*arguments), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.1", "expected lambda"),
        ("lambda: 1", "one or two arguments"),
        ("lambda a, b, c: 1", "one or two arguments"),
        ("lambda *a: 1", "one or two arguments"),
        ("lambda a=print(1): 1", "one or two arguments"),
        ("lambda e: __import__('os').system('true')", "none of the functions"),
        ("lambda e: open('x')", "none of the functions"),
        ("lambda e: os", "os is neither an argument nor pi"),
        ("lambda e: e.__class__", "not known here"),
        ("lambda e: math.tau", "not known here"),
        ("lambda e: (1).__class__", "not known here"),
        ("lambda e: 'a' * 9", "not a number"),
        ("lambda e: 1j", "not a number"),
        ("lambda e: [e for _ in (1,)]", "not arithmetic"),
        ("lambda e: (e, e)", "not arithmetic"),
        ("lambda e: (lambda: 1)()", "none of the functions"),
        ("lambda e: e << 3", "not arithmetic"),
        ("lambda e: (e := 3)", "not arithmetic"),
        ("lambda e: round(e, ndigits=2)", "none of the functions"),
        ("lambda e: f'{e}'", "not arithmetic"),
        ("lambda e: e[0]", "not arithmetic"),
        ("lambda e: e +", "not a Python expression"),
        ("lambda e: " + "e + " * 1000 + "e", "at most"),
        ("lambda e: " + "(" * 300 + "e" + ")" * 300, "not a Python expression"),
        ("lambda e: " + "-" * 800 + "e", "nested more than"),
    ],
)
def test_what_is_not_arithmetic_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile_lambda(text)


@pytest.mark.parametrize(
    "text", ["lambda e: 9 ** 9 ** 9 ** 9", "lambda e: 10 ** 10 ** 10", "lambda e: 1 / (e - e)"]
)
def test_what_has_no_value_ends_at_once(text: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ArithmeticError):
        compile_lambda(text)(3, 0.1)
    assert time.monotonic() - begun < 1
