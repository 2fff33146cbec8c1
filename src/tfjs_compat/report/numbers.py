"""How numbers and times are written, the same in every report. Pure."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """A duration as minutes and seconds.

    >>> clock(65.4)
    '1:05'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def duration(seconds: float) -> str:
    """A short duration, with the unit that shows it.

    >>> duration(4.21), duration(0.012)
    ('4.2 s', '12 ms')
    """
    return f"{seconds:.1f} s" if seconds >= 0.05 else f"{seconds * 1000:.0f} ms"


def number(value: float | None) -> str:
    """A difference to two digits; a dash where there is none.

    >>> number(0.000123), number(None)
    ('0.00012', '–')
    """
    return "–" if value is None else f"{value:.2g}"


def magnitude(value: float) -> str:
    """The size of a difference to one digit.

    >>> magnitude(6.4e-08)
    '6e-08'
    """
    return f"{value:.0e}"
