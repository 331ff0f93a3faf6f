"""Who a request came from, behind a proxy: its word counts only if we named it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

LONGEST_CHAIN = 20
"""Hops of X-Forwarded-For that are looked at, from the nearest."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=8)
def networks(named: tuple[str, ...]) -> tuple[Network, ...]:
    """The proxies that TRUSTED_PROXIES names; what is no address there names nobody."""
    found = []
    for word in named:
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError:
            continue
    return tuple(found)


def is_trusted(address: str, proxies: Iterable[Network]) -> bool:
    """Whether this address is one of our proxies. None at all is a local socket: our own machine has it."""
    if not address:
        return True
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None
    return any((inner or known) in network for network in proxies)


def client_of(peer: str, forwarded_for: str, proxies: tuple[Network, ...]) -> str:
    """The client's address: the nearest hop that is no proxy of ours. Anybody can write what is before it.

    `peer` is who connected to us; `forwarded_for` the X-Forwarded-For header, empty where there is none.
    """
    client = peer
    for hop in reversed(forwarded_for.split(",")[-LONGEST_CHAIN:]):
        if not is_trusted(client, proxies):
            break
        try:
            client = str(ipaddress.ip_address(hop.strip()))
        except ValueError:
            break
    return client
