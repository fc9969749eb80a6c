"""What the macros of two variables expand to (cel-go ext/comprehensions.go, since Kubernetes 1.32)."""

from __future__ import annotations

from typing import Any

from policykit.cel.library import function
from policykit.cel.operators import equal
from policykit.cel.syntax import MAP_INSERT
from policykit.cel.types import MapType, Param

_MAP = MapType(Param("K"), Param("V"))

#: Declared for the checker; generated code fills the map itself.
FUNCTIONS = (
    function(MAP_INSERT, (_MAP, Param("K"), Param("V")), _MAP, equal),
    function(MAP_INSERT, (_MAP, _MAP), _MAP, equal),
)
TYPES: dict[str, Any] = {}
