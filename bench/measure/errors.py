"""What ends the command with one line."""


class BadInput(Exception):
    """Something the caller gave cannot be used: one line, exit status 2, nothing lost."""
