"""The user a container runs as, from the text of a USER instruction or a `user:` key.

`user[:group]`, each a name or a number (Dockerfile reference, USER; OCI image configuration, `User`).
"""

from __future__ import annotations

import re
from typing import Any

from policykit.unknown import Unknown

_NUMBER = re.compile(r"[+-]?[0-9]+")
_WINDOWS_ADMINISTRATORS = frozenset({"containeradministrator", "administrator", "nt authority\\system"})


def user_fields(text: str | Unknown, *, windows: bool = False) -> dict[str, Any]:
    """The fields of the `User` type (`policykit.views.types`) of a user as written; "" stands for root."""
    if isinstance(text, Unknown):
        return {"text": text, "name": text, "root": text, "numeric": text}
    name = text.partition(":")[0].strip()
    numeric = _NUMBER.fullmatch(name) is not None
    if windows:
        root = name.lower() in _WINDOWS_ADMINISTRATORS
    else:
        root = name.lstrip("+-0") == "" if numeric else name in ("", "root")
    return {"text": text, "name": name, "root": root, "numeric": numeric}
