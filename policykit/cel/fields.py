"""Reading into values: variables, fields, indexes, and the same with optionals. Messages are cel-go's."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from policykit.cel.errors import EvaluationError
from policykit.cel.operators import UnknownOperand, lookup, show
from policykit.cel.values import INT_MAX, INT_MIN, NONE, Optional, UInt, type_name
from policykit.unknown import Unknown, merge

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a lookup gives for nothing.
MISSING: Final = object()
#: What Go calls the types of values that can be no key: of data, and of what an expression makes of it.
_NATIVE: Final[Mapping[type, str]] = {
    NoneType: "<nil>",
    bytes: "types.Bytes",
    list: "[]interface {}",
    dict: "map[string]interface {}",
}
MADE: Final[Mapping[type, str]] = {
    NoneType: "types.Null",
    bytes: "types.Bytes",
    list: "*types.baseList",
    dict: "*types.baseMap",
}


def variable(bindings: Any, name: str) -> Any:
    """The value that a global name is bound to."""
    try:
        return bindings[name]
    except KeyError:
        raise EvaluationError(f"no such attribute(s): {name}") from None


def select(operand: Any, field: str) -> Any:
    """`operand.field`."""
    if isinstance(operand, dict):
        try:
            return operand[field]
        except KeyError:
            raise EvaluationError(f"no such key: {field}") from None
    if type(operand) is Unknown:
        return operand
    if type(operand) is Optional:
        return optional_select(operand, field)
    if type(operand) is list:
        raise EvaluationError("unsupported index type 'string' in list")
    raise EvaluationError(f"no such key: {field}")


def has(operand: Any, field: str) -> Any:
    """`has(operand.field)`: false where the operand has no fields at all; unknown where the field's value is."""
    if type(operand) is Optional:
        if operand is NONE:
            return False
        operand = operand.value
    if isinstance(operand, dict):
        value = operand.get(field, MISSING)
        return value if type(value) is Unknown else value is not MISSING
    if type(operand) is Unknown:
        return operand
    if type(operand) is list:
        raise EvaluationError("unsupported index type 'string' in list")
    return False


def known_has(operand: Any, field: str) -> bool:
    """`has` for the fast rendering: leaves it for an unknown."""
    value = has(operand, field)
    if type(value) is Unknown:
        raise UnknownOperand(value)
    return bool(value)


def index(operand: Any, key: Any, names: Mapping[type, str] = _NATIVE) -> Any:
    """`operand[key]`; `names` are Go's of the types that can be no key."""
    if type(operand) is Unknown:
        return merge(operand, key) if type(key) is Unknown else operand
    if type(operand) is Optional:
        return optional_index(operand, key)
    value = _find(operand, key, names)
    if type(key) is Unknown:
        return key
    if value is MISSING:
        raise EvaluationError(f"{'index out of bounds' if type(operand) is list else 'no such key'}: {show(key)}")
    return value


def _find(operand: Any, key: Any, names: Mapping[type, str] = _NATIVE) -> Any:
    """The element or entry at `key`, or `MISSING`; raises where the key can be no key."""
    kind = type(key)
    if kind is Unknown:
        return key
    if kind not in _KEYS:
        raise EvaluationError(f"invalid qualifier type: {names.get(kind, type_name(key))}")
    if isinstance(operand, dict):
        return lookup(operand, key, MISSING)
    if type(operand) is not list:
        return MISSING
    if kind is str or kind is bool:
        raise EvaluationError(f"unsupported index type '{type_name(key)}' in list")
    if (kind is float and not key.is_integer()) or not INT_MIN <= key <= INT_MAX:
        raise EvaluationError(f"unsupported index value {show(key)} in list")
    position = int(key)
    return operand[position] if 0 <= position < len(operand) else MISSING


_KEYS = frozenset({str, int, UInt, bool, float, Unknown})


# optionals


def optional_select(operand: Any, field: str) -> Any:
    """`operand.?field`, and `operand.field` of an optional."""
    if type(operand) is Optional:
        if operand is NONE:
            return NONE
        operand = operand.value
    value = reach(operand, field)
    if value is MISSING:
        return NONE
    return value if type(value) is Unknown else Optional(value)


def optional_index(operand: Any, key: Any) -> Any:
    """`operand[?key]`, and `operand[key]` of an optional."""
    if type(operand) is Optional:
        if operand is NONE:
            return NONE
        operand = operand.value
    if type(operand) is Unknown:
        return operand
    value = _find(operand, key)
    if value is MISSING:
        return NONE
    return value if type(value) is Unknown else Optional(value)


def reach(operand: Any, *fields: str) -> Any:
    """The value down a path of fields of which any may be absent, `MISSING` where one is."""
    for field in fields:
        if isinstance(operand, dict):
            operand = operand.get(field, MISSING)
            if operand is MISSING:
                return MISSING
        elif type(operand) is Unknown:
            return operand
        elif type(operand) is list:
            raise EvaluationError("unsupported index type 'string' in list")
        elif type(operand) is Optional:
            # Only a value inside of data can be one here, and data has none.
            raise EvaluationError(f"no such key: {field}")
        else:
            return MISSING
    return operand
