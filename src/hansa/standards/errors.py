"""How pure parsers and verifiers refuse."""


class StandardError(ValueError):
    """Input that a standard does not allow.

    `code` is stable, dotted and documented (`x509.proxy.path_length`, `occi.text.syntax`); `reason` is one sentence;
    `line` and `column` count from 1 and are None where the input has no lines.
    """

    def __init__(self, code: str, reason: str, *, line: int | None = None, column: int | None = None) -> None:
        where = "" if line is None else f"line {line}: " if column is None else f"line {line}, column {column}: "
        super().__init__(f"{where}{reason}")
        self.code = code
        self.reason = reason
        self.line = line
        self.column = column
