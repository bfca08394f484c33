"""Put the functions of switch points into instrumented code."""

from __future__ import annotations

from types import CodeType

from ..guard import permit
from .points import POINTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_replace = CodeType.replace


def bind(code: CodeType) -> CodeType:
    """Return the code with the functions of points in the places that hold their names."""
    constants = [_bound(constant) for constant in code.co_consts]
    permit("code.__new__")
    return _replace(code, co_consts=tuple(constants))


def _bound(constant: Any) -> Any:
    if type(constant) is CodeType:
        return bind(constant)
    return POINTS[constant] if type(constant) is str and constant in POINTS else constant
