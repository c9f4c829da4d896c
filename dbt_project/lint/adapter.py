"""Stands in for dbt's `adapter` while sqlfluff lints: dispatched macros become a call of their name."""


def dispatch(name, *_):  # type: ignore[no-untyped-def]
    """A macro of any engine, as text that parses."""
    return lambda *arguments: f"{name}({', '.join(str(argument) for argument in arguments)})"
