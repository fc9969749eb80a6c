"""The self-managed way: an authority and a leaf in Secrets, the bundle in the webhook configurations, all kept fresh.

One replica leads, by a Lease. A step never invalidates what the step before handed out: a new authority is in the
bundle before it signs, and an old one stays there until nothing is served that it signed.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from policykit_webhook import authority
from policykit_webhook.logs import LOGGER, log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from policykit_webhook.authority import Credential

#: A mounted Secret takes its time to every replica: kubelet's sync period and its cache, and the servers' own poll.
SPREAD = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Managed:
    """What the Secrets hold. `next_authority` is already trusted and not yet used; `bundle` is what callers trust."""

    authority: Credential
    leaf: Credential
    bundle: tuple[bytes, ...]
    changed: datetime
    next_authority: Credential | None = None


class Store(Protocol):
    """Where certificates are kept (`store.py`: a cluster)."""

    async def lead(self) -> bool:
        """Takes or keeps the lead; False while somebody else has it."""
        ...

    async def read(self) -> Managed | None: ...

    async def write(self, managed: Managed) -> None: ...

    async def trust(self, bundle: str) -> None:
        """Has the callers trust this `caBundle` from now on."""
        ...


class Names(NamedTuple):
    """The DNS names that the API server calls, and how long certificates live (days)."""

    hosts: tuple[str, ...]
    leaf_days: float = authority.LEAF_DAYS
    authority_days: float = authority.AUTHORITY_DAYS


def advance(held: Managed | None, names: Names, now: datetime, spread: timedelta = SPREAD) -> Managed:
    """The next step from what is held: the same value where there is nothing to do yet.

    authority due -> its successor joins the bundle -> (spread) -> the leaf is signed by the successor
    -> (spread) -> the predecessor leaves the bundle
    """
    if held is None or not authority.signed_by(held.leaf.certificate, held.authority.certificate):
        return _fresh(names, now, held)
    settled = now - held.changed >= spread
    if held.next_authority is None and authority.due(held.authority.certificate, now):
        successor = authority.authority(now, names.authority_days)
        return Managed(held.authority, held.leaf, (*held.bundle, successor.certificate), now, successor)
    if held.next_authority is not None and settled:
        leaf = authority.leaf(held.next_authority, names.hosts, now, names.leaf_days)
        return Managed(held.next_authority, leaf, held.bundle, now)
    stale_names = not set(names.hosts) <= authority.names_of(held.leaf.certificate)
    if held.next_authority is None and (stale_names or authority.due(held.leaf.certificate, now)):
        leaf = authority.leaf(held.authority, names.hosts, now, names.leaf_days)
        return Managed(held.authority, leaf, held.bundle, now)
    if held.next_authority is None and settled and held.bundle != (held.authority.certificate,):
        return Managed(held.authority, held.leaf, (held.authority.certificate,), now)
    return held


def _fresh(names: Names, now: datetime, held: Managed | None) -> Managed:
    """A first authority and leaf. What callers may trust already stays trusted for a while."""
    issuer = authority.authority(now, names.authority_days)
    before = held.bundle[-1:] if held is not None else ()
    return Managed(
        issuer, authority.leaf(issuer, names.hosts, now, names.leaf_days), (*before, issuer.certificate), now
    )


def bundle_text(bundle: Sequence[bytes]) -> str:
    """The bundle as a `caBundle` holds it."""
    return base64.b64encode(b"".join(bundle)).decode("ascii")


async def manage(store: Store, names: Names, beat: Callable[[], None], poll: float = 10.0) -> None:
    """Leads when it can, and then keeps the certificates fresh; for ever. `beat` is called every time round."""
    leading = False
    while True:
        try:
            led, leading = leading, await store.lead()
            if leading and not led:
                log(logging.INFO, "leading")
            if leading:
                await _step(store, names)
            beat()
        except Exception:
            LOGGER.exception("the certificates could not be looked after; trying again")
        await asyncio.sleep(poll)


async def _step(store: Store, names: Names) -> None:
    """The bundle is written before what it is needed for, and after nothing that needs more than it."""
    held = await store.read()
    wanted = advance(held, names, datetime.now(UTC))
    if held is not None and wanted is held:
        await store.trust(bundle_text(held.bundle))
        return
    trusted_before = held.bundle if held is not None else ()
    await store.trust(bundle_text(tuple(dict.fromkeys((*trusted_before, *wanted.bundle)))))
    await store.write(wanted)
    await store.trust(bundle_text(wanted.bundle))
    log(logging.INFO, "certificates changed", authorities=len(wanted.bundle))
