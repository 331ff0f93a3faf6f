#!/usr/bin/env python3
"""Runs a campaigns command with nothing prepared but Python: `python3 run.py demo`, `python3 run.py test`.

The first start makes an environment (`.venv`, beside this file) from the hash-locked requirements; later
starts find it ready and go straight to the command. Standard library only. A Python that is far too old, as
old as 3.6, has to understand this file well enough to say what is needed: no newer syntax here.
"""

import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

NEEDED = (3, 11)
ROOT = Path(__file__).resolve().parent

USAGE = """usage: python3 run.py COMMAND [ARGUMENTS]

  demo    a demo clinic on embedded servers: rehearse whole courses, then serve the site
  test    the test suite (arguments pass on to pytest)
  up      everything a small clinic needs, on this machine
  help    every command

The first start installs what is needed into .venv; nothing else on this machine is touched."""

# pip's own words are for programmers; these are for whoever typed the command. The first match wins.
TROUBLES = (
    (r"No space left|Disk quota", "The disk is full. Make room, then start again."),
    (
        r"DO NOT MATCH THE HASHES",
        "A package is not the file that was locked: damaged on the way, or replaced. Do not install it by "
        "hand; try again, or from another network.",
    ),
    (
        r"name resolution|not known|Connection|Retrying|timed out|ProxyError|SSLError|CERTIFICATE",
        "The packages could not be fetched. Check the network (and the proxy, if any), then start again.",
    ),
    (
        r"No matching distribution",
        "A package has no ready-made file for this Python on this machine. Use Python 3.11 to 3.14 on "
        "macOS, or on a Linux with glibc (Debian, Ubuntu, Fedora and their kin; not Alpine).",
    ),
)


class Trouble(Exception):
    """Something the person at the keyboard has to mend; the message says what and how."""


def say(line: str) -> None:
    """Standard error, so that a command's own output can be piped."""
    print(line, file=sys.stderr, flush=True)


# --- is this Python fit?


def newer_python() -> str:
    """The name of a Python on the PATH that would do, or nothing."""
    names = ["python3.%d" % minor for minor in range(14, NEEDED[1] - 1, -1)]  # noqa: UP031
    return next((name for name in names if shutil.which(name) and answers(name)), "")


def answers(python: str) -> bool:
    """A name on the PATH may be a stand-in for a Python that is not there."""
    quiet = subprocess.DEVNULL
    return subprocess.call([python, "-c", ""], stdout=quiet, stderr=quiet) == 0


def too_old(version: "tuple[int, ...]", arguments: "list[str]") -> str:
    """One line for a Python that is too old; empty for one that will do."""
    if tuple(version[:2]) >= NEEDED:
        return ""
    found = ".".join(str(part) for part in version[:3])
    line = f"Python {NEEDED[0]}.{NEEDED[1]} or newer is needed; this is {found}."
    newer = newer_python()
    hint = f"Try: {newer} run.py {' '.join(arguments)}" if newer else "Install one from your system."
    return f"{line} {hint}"


def missing_parts() -> "list[str]":
    """The standard modules that some systems split off into a package of their own."""
    return [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]


def check_parts() -> None:
    """Raises when Python came without the parts that make an environment."""
    missing = missing_parts()
    if missing:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise Trouble(
            f"This Python came without {' and '.join(missing)}. On Debian and Ubuntu: apt install {package} "
            "(or python3-venv). Elsewhere: install the full Python of your system."
        )


# --- where the environment is, and whether it is ready


class Environment:
    """A virtual environment and what it was made from."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.python = place / "bin" / "python"
        self.log = place / "install.log"
        self.unfinished = place / "unfinished"
        self.made_for = place / "made-for"

    def origin(self) -> str:
        """A moved checkout or another Python needs an environment made anew."""
        return f"{ROOT}\n{self.place}\n{sys.version_info[0]}.{sys.version_info[1]}\n"

    def stamp(self, name: str) -> Path:
        """Holds the digest of the set that is installed; written last."""
        return self.place / f"ready-{name}"

    def digest(self, name: str) -> str:
        """What the stamp must say."""
        return hashlib.sha256(self.origin().encode() + lock_file(name).read_bytes()).hexdigest()

    def ready(self, name: str) -> bool:
        """Whether this set is installed, completely, for this checkout and this Python."""
        try:
            return self.stamp(name).read_text() == self.digest(name) and self.python.exists()
        except OSError:
            return False

    def sound(self) -> bool:
        """Whether packages may be added. An install cut short leaves parts that pip takes for whole."""
        try:
            same = self.made_for.read_text() == self.origin()
        except OSError:
            return False
        return same and not self.unfinished.exists() and self.python.exists()


def lock_file(name: str) -> Path:
    """The hash-locked set of that name."""
    return ROOT / "requirements" / f"{name}.txt"


def writable(folder: Path) -> bool:
    """Whether the folder can be written to, or made."""
    while not folder.exists():
        folder = folder.parent
    return os.access(str(folder), os.W_OK)


def choose_place(name: str) -> Path:
    """Beside this file; elsewhere when told so, or when the checkout cannot be written to."""
    named = os.environ.get("CAMPAIGNS_VENV")
    if named:
        return Path(named).absolute()
    beside = ROOT / ".venv"
    if writable(beside) or Environment(beside).ready(name):
        return beside
    checkout = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    elsewhere = Path(os.path.expanduser("~")) / ".cache" / "campaigns" / f"venv-{checkout}"  # noqa: PTH111
    if not writable(elsewhere):
        raise Trouble(f"{ROOT} cannot be written to. Set CAMPAIGNS_VENV to a folder that can.")
    if not elsewhere.exists():
        say(f"This folder cannot be written to, so the environment goes to {elsewhere}")
    return elsewhere


# --- making it


class Progress:
    """One line that moves on a terminal; a few plain lines elsewhere."""

    def __init__(self, total: int) -> None:
        self.total, self.count, self.started = total, 0, time.monotonic()
        self.moving = sys.stderr.isatty()
        self.show(f"installing {total} packages (only the first time)")

    def show(self, text: str) -> None:
        """The newest words."""
        sys.stderr.write("\r\033[K" + text if self.moving else text + "\n")
        sys.stderr.flush()

    def see(self, line: str) -> None:
        """One line of pip's output."""
        if line.startswith(("Collecting ", "Ignoring ", "Requirement already")):
            self.count += 1
            if self.moving or self.count % 25 == 0:
                self.show(f"installing {self.total} packages ... {self.count}/{self.total}")
        elif line.startswith("Installing collected"):
            self.show(f"installing {self.total} packages ... {self.total}/{self.total}, unpacking")

    def finish(self) -> None:
        """The last words."""
        self.show(f"installed in {time.monotonic() - self.started:.0f} s")
        if self.moving:
            sys.stderr.write("\n")


def clean_environ() -> "dict[str, str]":
    """Without the settings that would mix another Python's packages into ours."""
    unwanted = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIREMENT")
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def explain(log: Path) -> str:
    """What the log's end means and what to do, with the lines themselves."""
    text = log.read_text(errors="replace") if log.exists() else ""
    advice = next((words for pattern, words in TROUBLES if re.search(pattern, text)), "Start again to retry.")
    tail = "\n".join("  " + line for line in text.splitlines()[-6:])
    return f"The environment could not be made.\n{tail}\n{advice}\nThe whole log: {log}"


def run_logged(
    command: "list[str]", environment: Environment, lock: int, progress: "Progress | None" = None
) -> None:
    """Runs one step of the install. The child holds the lock too: should we be killed, nobody disturbs it."""
    with environment.log.open("a", encoding="utf-8", errors="replace") as log:
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=clean_environ(),
            text=True,
            errors="replace",
            pass_fds=(lock,),
        )
        for line in child.stdout or ():
            log.write(line)
            if progress:
                progress.see(line)
    if child.wait() != 0:
        raise Trouble(explain(environment.log))


def empty(environment: Environment) -> None:
    """Removes all but the lock, which others may be waiting on."""
    for path in environment.place.iterdir():
        if path.name == ".lock":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        else:
            path.unlink()


def make(environment: Environment, lock: int) -> None:
    """A new environment with nothing but pip in it."""
    check_parts()
    empty(environment)
    say(f"making the environment in {environment.place}")
    run_logged([sys.executable, "-m", "venv", str(environment.place)], environment, lock)
    environment.made_for.write_text(environment.origin())


def install(environment: Environment, name: str, lock: int) -> None:
    """Every package of the set, exactly the locked files. The sets are complete, so nothing is resolved."""
    total = len(re.findall(r"^[A-Za-z0-9]\S*==", lock_file(name).read_text(), re.MULTILINE))
    if not total:
        return
    command = [str(environment.python), "-m", "pip", "install", "--require-hashes", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "-r", str(lock_file(name))]
    # Two packages are published as source only for a Mac with an Intel processor.
    if (sys.platform, platform.machine()) != ("darwin", "x86_64"):
        command.append("--only-binary=:all:")
    progress = Progress(total)
    run_logged(command, environment, lock, progress)
    progress.finish()


def connect(environment: Environment) -> None:
    """Makes `campaigns` runnable from anywhere: the checkout on the path, and a command."""
    site = next((environment.place / "lib").glob("python*/site-packages"))
    (site / "campaigns-checkout.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    command = environment.place / "bin" / "campaigns"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(str(environment.python))} -P -m campaigns "$@"\n')
    command.chmod(0o755)


def build(environment: Environment, name: str, lock: int) -> None:
    """From whatever is there to ready. Marked unfinished until the very end."""
    for known in ("runtime", "test"):
        if environment.stamp(known).exists():
            environment.stamp(known).unlink()
    if not environment.sound():
        make(environment, lock)
    environment.log.write_text("")
    environment.unfinished.touch()
    install(environment, name, lock)
    connect(environment)
    environment.unfinished.unlink()
    # The test set contains the runtime set at the same versions.
    for done in ("runtime", "test") if name == "test" else ("runtime",):
        environment.stamp(done).write_text(environment.digest(done))


def prepare(environment: Environment, name: str) -> None:
    """Ready on return. Two starts at once: one installs, the other waits and finds it done."""
    if environment.ready(name):
        return
    environment.place.mkdir(parents=True, exist_ok=True)
    with (environment.place / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another start is preparing the environment; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not environment.ready(name):
            build(environment, name, lock.fileno())


# --- and off


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def hand_over(environment: Environment, arguments: "list[str]") -> NoReturn:
    """Becomes the command. `-P`: a folder of the same name where we were called from is not ours."""
    python = str(environment.python)
    command = [python, "-P", "-m", "campaigns", *arguments]
    if arguments[0] == "test":
        os.chdir(str(ROOT))
        # One process a core, and one for when they wait; a file stays with one process. `-n 0` among the
        # arguments undoes it.
        shared = ["-n", str(cores() + 1), "--dist", "loadfile", "--no-loadscope-reorder"]
        command = [python, "-m", "pytest", *shared, *arguments[1:]]
    sys.stdout.flush()
    os.execve(python, command, clean_environ())  # noqa: S606


def start(arguments: "list[str]") -> int:
    """Hands over to the command; returns an exit code only where there is nothing to hand over to."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if arguments else 2
    name = "test" if arguments[0] == "test" else "runtime"
    environment = Environment(choose_place(name))
    prepare(environment, name)
    hand_over(environment, arguments)


def main(arguments: "list[str]") -> int:
    """Every ending in plain words."""
    complaint = too_old(tuple(sys.version_info[:3]), arguments)
    if complaint:
        say(complaint)
        return 1
    try:
        return start(arguments)
    except Trouble as trouble:
        say(str(trouble))
    except OSError as error:
        say(f"The environment could not be made: {error.strerror or error} ({error.filename or ROOT}).")
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
