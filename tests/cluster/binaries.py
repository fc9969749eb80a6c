"""Where kube-apiserver and etcd come from: KUBEBUILDER_ASSETS, else PATH, else built once from their published modules.

The build needs Go and the module proxy, takes a few minutes, and ends up in the user's cache directory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

VERSION = "v1.36.2"
_MODULE = Path(__file__).parent / "binaries"
_PACKAGES = {
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "etcd": "go.etcd.io/etcd/server/v3",
    "loadgen": "./loadgen",
}


class MissingBinaryError(Exception):
    """There is none, and none can be built."""


def find(name: str) -> Path:
    """The path of `kube-apiserver` or `etcd`. Raises MissingBinaryError with the reason."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and (Path(assets) / name).is_file():
        return Path(assets) / name
    if found := shutil.which(name):
        return Path(found)
    cached = _cache() / name
    return cached if cached.is_file() else _build(name, cached)


def load_generator() -> Path:
    """The path of our own load generator, built from its present source. Raises MissingBinaryError."""
    return _build("loadgen", _cache() / "loadgen")


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "policykit" / "cluster" / VERSION


def _build(name: str, target: Path) -> Path:
    go = shutil.which("go")
    if go is None:
        raise MissingBinaryError(f"no {name} in KUBEBUILDER_ASSETS or PATH, and no Go to build it with")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".draft")
    major, minor, _ = VERSION.removeprefix("v").split(".")
    version = "k8s.io/component-base/version"
    flags = f"-s -w -X {version}.gitVersion={VERSION} -X {version}.gitMajor={major} -X {version}.gitMinor={minor}"
    command = ["nice", go, "build", "-trimpath", "-ldflags", flags, "-o", str(draft), _PACKAGES[name]]
    done = subprocess.run(command, cwd=_MODULE, capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode != 0:
        raise MissingBinaryError(f"{name} cannot be built: {done.stderr.strip()[-500:]}")
    draft.replace(target)
    return target
