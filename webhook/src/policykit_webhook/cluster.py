"""Lists and watches of an API server to what is known of each namespace, kept in memory.

Reviews read from here and never ask the API server: a review that waited for the API server which waits for the review
would be a deadlock. What is not known yet, or no longer, is None, and the verdict that needed it is unknown.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from policykit_webhook.kubernetes import KubernetesKind, resource
from policykit_webhook.logs import log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from lightkube import AsyncClient


#: Kubernetes' own kinds, and the network policies of common plug-ins where their API is there.
WATCHED: tuple[KubernetesKind, ...] = (
    KubernetesKind("", "v1", "Namespace", "namespaces", namespaced=False),
    KubernetesKind("", "v1", "LimitRange", "limitranges"),
    KubernetesKind("", "v1", "ServiceAccount", "serviceaccounts"),
    KubernetesKind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    KubernetesKind("cilium.io", "v2", "CiliumNetworkPolicy", "ciliumnetworkpolicies"),
    KubernetesKind(
        "cilium.io", "v2", "CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies", namespaced=False
    ),
    KubernetesKind("crd.projectcalico.org", "v1", "NetworkPolicy", "networkpolicies"),
    KubernetesKind("crd.projectcalico.org", "v1", "GlobalNetworkPolicy", "globalnetworkpolicies", namespaced=False),
    KubernetesKind(
        "policy.networking.k8s.io", "v1alpha1", "AdminNetworkPolicy", "adminnetworkpolicies", namespaced=False
    ),
    KubernetesKind(
        "policy.networking.k8s.io",
        "v1alpha1",
        "BaselineAdminNetworkPolicy",
        "baselineadminnetworkpolicies",
        namespaced=False,
    ),
)

#: Out of touch for this long, what was known counts for nothing (seconds).
STALE = 60.0
_PATIENCE = (1.0, 30.0)
_LOOK_AGAIN = 60.0
_WATCH_SECONDS = 240
_CHUNK = 500
_NOT_THERE = 404


class ClusterCache:
    """What the watches have told; fulfils `judge.Facts`."""

    def __init__(self, kinds: Iterable[KubernetesKind] = WATCHED, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_namespace: dict[str, dict[tuple[KubernetesKind, str], Mapping[str, Any]]] = defaultdict(dict)
        self._lost: dict[KubernetesKind, float] = dict.fromkeys(kinds, float("-inf"))

    @property
    def synced(self) -> bool:
        """Whether every kind was listed and is being watched, give or take a moment out of touch."""
        now = self._clock()
        return all(now - since < STALE for since in self._lost.values())

    def namespace_labels(self, name: str) -> Mapping[str, str] | None:
        """None where it is not known, or there is no such namespace."""
        if not self.synced:
            return None
        for (watched, found), obj in self._by_namespace[""].items():
            if watched.kind == "Namespace" and found == name:
                return dict((obj.get("metadata") or {}).get("labels") or {})
        return None

    def objects(self, namespace: str) -> Sequence[Mapping[str, Any]] | None:
        """The objects of a namespace, its own and those of the cluster that speak of all; None where not known."""
        if not self.synced:
            return None
        wide = self._by_namespace.get("", {})
        shared = [obj for (watched, name), obj in wide.items() if watched.kind != "Namespace" or name == namespace]
        return [*self._by_namespace.get(namespace, {}).values(), *shared]

    def replace(self, watched: KubernetesKind, objects: Iterable[Mapping[str, Any]]) -> None:
        """What a list said: all there is of a kind."""
        for kept in self._by_namespace.values():
            for key in [key for key in kept if key[0] == watched]:
                del kept[key]
        for obj in objects:
            self.put(watched, obj)
        self.in_touch(watched)

    def put(self, watched: KubernetesKind, obj: Mapping[str, Any]) -> None:
        metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "managedFields"}
        kept = {**obj, "apiVersion": watched.api_version, "kind": watched.kind, "metadata": metadata}
        self._by_namespace[metadata.get("namespace", "")][watched, metadata.get("name", "")] = kept

    def remove(self, watched: KubernetesKind, obj: Mapping[str, Any]) -> None:
        metadata = obj.get("metadata") or {}
        self._by_namespace[metadata.get("namespace", "")].pop((watched, metadata.get("name", "")), None)

    def in_touch(self, watched: KubernetesKind) -> None:
        self._lost[watched] = float("inf")

    def out_of_touch(self, watched: KubernetesKind) -> None:
        """What was listed counts for a while; what never was does not."""
        self._lost[watched] = min(self._lost[watched], self._clock())


@asynccontextmanager
async def watched(
    say_synced: Callable[[float], object], client: AsyncClient | None = None
) -> AsyncIterator[ClusterCache]:
    """A cache that is kept up to date within the block, by the service account of the pod or the user's kubeconfig."""
    if client is None:
        from lightkube import AsyncClient

        client = AsyncClient()
    cache = ClusterCache()
    tasks = [asyncio.create_task(_follow(client, kind, cache)) for kind in WATCHED]
    tasks.append(asyncio.create_task(_say(cache, say_synced)))
    try:
        yield cache
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()


async def _say(cache: ClusterCache, say_synced: Callable[[float], object]) -> None:
    while True:
        say_synced(float(cache.synced))
        await asyncio.sleep(1.0)


async def _follow(client: AsyncClient, kind: KubernetesKind, cache: ClusterCache) -> None:
    """Lists and watches one kind for ever; an API that is not there is one without objects."""
    wait = _PATIENCE[0]
    while True:
        try:
            await _list_and_watch(client, kind, cache)
            wait = _PATIENCE[0]
        except Exception as error:
            status = getattr(getattr(error, "response", None), "status_code", 0)
            if status == _NOT_THERE:  # as an API error, or as plain text where the whole group is unknown
                cache.replace(kind, ())
                wait = _LOOK_AGAIN
            else:
                wait = _troubled(kind, cache, wait, f"{type(error).__name__} {status or ''}".strip())
        await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311


def _troubled(kind: KubernetesKind, cache: ClusterCache, wait: float, what: str) -> float:
    cache.out_of_touch(kind)
    log(logging.WARNING, "a watch broke", kind=kind.kind, group=kind.group, error=what)
    return min(wait * 2, _PATIENCE[1])


async def _list_and_watch(client: AsyncClient, kind: KubernetesKind, cache: ClusterCache) -> None:
    everywhere: dict[str, Any] = {"namespace": "*"} if kind.namespaced else {}
    found = client.list(resource(kind), chunk_size=_CHUNK, **everywhere)
    cache.replace(kind, [dict(obj) async for obj in found])
    events = client.watch(
        resource(kind), resource_version=found.resourceVersion, server_timeout=_WATCH_SECONDS, **everywhere
    )
    async for event, obj in events:
        if event == "DELETED":
            cache.remove(kind, obj)
        else:
            cache.put(kind, obj)
        cache.in_touch(kind)
