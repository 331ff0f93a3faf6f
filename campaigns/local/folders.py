"""The folders of one pair of embedded servers: data, sockets, logs, and who owns them."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.local.binaries import Binaries, ServersFailed, for_other_account, locate
from campaigns.local.children import Account, server_account
from campaigns.local.secrets import kept

# Where root's servers keep data when nobody cannot walk to the state folder (a state under /root).
_ELSEWHERE = Path("/var/lib/campaigns-servers")
# A socket's path may be 103 bytes on macOS and 107 on Linux, the longest name in our folder takes 18.
_SOCKET_FOLDER_CAP = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything the two servers need to know before they start."""

    home: Path
    sockets: Path
    logs: Path
    binaries: Binaries
    account: Account | None
    passwords: dict[str, str] = field(repr=False)
    tcp: bool
    fast: bool

    def give(self, path: Path) -> None:
        """Hand a file or folder to the account the servers run as."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)


def prepare(state: Path, name: str, *, tcp: bool, fast: bool) -> Site:
    """Make every folder; safe to repeat. Only under the lock of the state folder."""
    account = server_account()
    home = _home(state, name, account)
    binaries = for_other_account(locate()) if account else locate()
    names = ("postgres", "campaigns", "valkey")
    return Site(
        home=home,
        sockets=_sockets(home, account),
        logs=state / "logs",
        binaries=binaries,
        account=account,
        passwords=kept(home / "passwords.json", {name: secrets.token_hex(24) for name in names}),
        tcp=tcp,
        fast=fast,
    )


def make_state(state: Path) -> Path:
    """The state folder: 0700, or as root 0711, so that the servers' account can walk through."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    state.mkdir(mode=mode, parents=True, exist_ok=True)
    if state.stat().st_uid == os.geteuid():
        state.chmod(mode)
    return state.resolve()


def _home(state: Path, name: str, account: Account | None) -> Path:
    """`state/servers/NAME`, or a link there to a folder that the servers' account can reach."""
    home = state / "servers" / name
    home.parent.mkdir(mode=0o711, exist_ok=True)
    if home.is_symlink() and not home.exists():
        raise ServersFailed(
            f"{home} points to {home.readlink()}, which is gone. Bring it back, or remove the link."
        )
    if not home.exists():
        _make_home(home, state, account)
    return home.resolve()


def _make_home(home: Path, state: Path, account: Account | None) -> None:
    if account is None:
        home.mkdir(mode=0o700)
        return
    target = home
    if not _walkable(state):
        _ELSEWHERE.mkdir(mode=0o711, parents=True, exist_ok=True)
        digest = hashlib.sha256(str(home).encode()).hexdigest()[:8]
        target = _ELSEWHERE / f"{digest}-{secrets.token_hex(4)}"
        home.symlink_to(target)
    target.mkdir(mode=0o700)
    os.chown(target, account.uid, account.gid)


def _walkable(folder: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.parents))


def _sockets(home: Path, account: Account | None) -> Path:
    """A short private folder, named after the data it serves."""
    owner = account.uid if account else os.geteuid()
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    folder = _socket_parent() / f"campaigns-{os.geteuid()}-{digest}"
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, owner, -1)
    except FileExistsError:
        pass
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {owner, os.geteuid()}:
        raise ServersFailed(f"{folder} belongs to somebody else. Remove it, then start again.")
    folder.chmod(0o700)
    os.chown(folder, owner, -1)
    return folder


def remove_sockets(site: Site) -> None:
    """Leave nothing in the shared temporary folder. A start makes it anew."""
    with suppress(OSError):
        for left in site.sockets.iterdir():
            left.unlink()
        site.sockets.rmdir()


def _socket_parent() -> Path:
    """The session's own folder where there is one; never for root, whose servers could not walk into it."""
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    candidates = [own] if own and os.geteuid() != 0 else []
    candidates += ["/tmp", tempfile.gettempdir()]  # noqa: S108 (the folder made inside is private and checked)
    for candidate in map(Path, candidates):
        if candidate.is_dir() and os.access(candidate, os.W_OK | os.X_OK) and _fits(candidate):
            return candidate
    raise ServersFailed("No folder with a short path for the servers' sockets. Make /tmp writable.")


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder)) + len("/campaigns-4294967295-") + 12 <= _SOCKET_FOLDER_CAP
