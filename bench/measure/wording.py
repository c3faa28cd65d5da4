"""Numbers as people read them."""


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.1f}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def mebibytes(kibibytes: float) -> str:
    return f"{kibibytes / 1024:,.1f}"


def counted(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")
