"""Rounding: numbers with no more digits than what they are for takes."""

import math
from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

SIGNIFICANT = 3
MOST_DECIMALS = 17  # beyond these no decimal number of usual size is another one

Number = int | float


def shortest(number: Number, fits: Callable[[Number], bool], *, steps: Number) -> Number:
    """The number with the fewest decimals that fits, about as near to this one as `steps` are wide.

    The number itself where it is whole, or where no shorter one fits.
    """
    if number == int(number):
        return int(number)
    if not steps:
        return number
    fewest = max(0, -math.floor(math.log10(abs(steps))))
    found = (
        one
        for decimals in range(fewest, MOST_DECIMALS)
        for one in _neighbours(number, decimals)
        if fits(one)
    )
    return next(found, number)


def exact(number: Number) -> str:
    """All digits of a number, and none besides."""
    return str(int(number)) if number == int(number) else str(number)


def in_words(number: Number) -> str:
    """A number to read: "about" says that it has more digits than are shown."""
    if isinstance(number, int) or number == int(number):
        return exact(number)
    decimals = max(0, SIGNIFICANT - 1 - math.floor(math.log10(abs(number))))
    rounded = round(number, decimals)
    return exact(number) if rounded == number else f"about {exact(rounded)}"


def _neighbours(number: Number, decimals: int) -> Iterator[Number]:
    """The next numbers below and above with so many decimals, the nearer one first."""
    step = Decimal(1).scaleb(-decimals)
    written = Decimal(repr(number))
    both = (written.quantize(step, rounding=way) for way in (ROUND_FLOOR, ROUND_CEILING))
    for one in sorted(both, key=lambda each: abs(each - written)):
        yield int(one) if one == one.to_integral_value() else float(one)
