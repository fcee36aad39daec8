"""Spans of time, as people read them."""

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def in_words(seconds: float) -> str:
    """So long, in its largest unit; two of them where the first says little."""
    whole = max(0, round(seconds))
    for at, (unit, length) in enumerate(_UNITS):
        if whole < length:
            continue
        number, rest = divmod(whole, length)
        if number < 3 and at + 1 < len(_UNITS) and (more := rest // _UNITS[at + 1][1]):
            return f"{number} {unit} {more} {_UNITS[at + 1][0]}"
        return f"{number} {unit}"
    return f"{whole} s"


def of_answer(seconds: float) -> str:
    """How long somebody took to answer."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:,.0f} ms" if seconds >= 0.001 else "less than 1 ms"
