"""One request to an outside service that raises an alarm when no more come (a dead man's switch)."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import urllib3

TIME_OUT = 5.0
"""Seconds for everything: to connect, and for the answer."""


def fault(url: str) -> str:
    """Why this address cannot be used, in a sentence; nothing where it can. Never shows the address, which is
    a key."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "HEARTBEAT_URL cannot be read"
    if parts.scheme not in {"http", "https"} or not host:
        return "HEARTBEAT_URL is not an address of a web service"
    if parts.scheme == "http" and not _is_loopback(host):
        return "HEARTBEAT_URL is not encrypted: use https://"
    return ""


def beat(url: str) -> str:
    """Ask for the address once, without following it elsewhere; what went wrong, or nothing."""
    if why := fault(url):
        return why
    try:
        with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=TIME_OUT)) as pool:
            status = pool.request("GET", url, redirect=False, preload_content=False).status
    except (urllib3.exceptions.HTTPError, OSError) as error:
        return type(error).__name__
    return "" if status < 300 else f"answered {status}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
