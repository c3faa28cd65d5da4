"""A table as Markdown."""


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def aligned(head: list[str], rows: list[list[str]]) -> str:
    """The same with cells of equal width, so that it reads well as it is."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    lines = [head, ["-" * widths[0], *["-" * (width - 1) + ":" for width in widths[1:]]], *rows]
    return "\n".join("| " + " | ".join([cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:]))])
                     + " |" for cells in lines)
