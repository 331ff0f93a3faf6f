"""run.py: the first start, the second, the interrupted one, and every way it can be refused."""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import run
from tests.local.places import ROOT

BASICS = {"PATH": "/usr/bin:/bin"}


def make_wheel(folder: Path, name: str) -> str:
    """A tiny package; returns its line in the locked set."""
    folder.mkdir(exist_ok=True)
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}.py", "WORD = 'hello'\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def make_checkout(folder: Path) -> Path:
    """A copy of the launcher with a package of its own and one requirement that needs no network."""
    (folder / "requirements").mkdir(parents=True)
    (folder / "campaigns").mkdir()
    shutil.copy(ROOT / "run.py", folder)
    wheels = folder.parent / "wheels"
    lock = f"--no-index\n--find-links {wheels}\n{make_wheel(wheels, 'leaflet')}"
    for name in ("runtime", "test"):
        (folder / "requirements" / f"{name}.txt").write_text(lock)
    show = "import os, sys, leaflet; print(leaflet.WORD, os.getcwd(), *sys.argv[1:], sep='|')"
    (folder / "campaigns" / "__main__.py").write_text(show)
    return folder


def launch(
    checkout: Path, *arguments: str, cwd: Path = ROOT, **environ: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "run.py"), *arguments]
    environ = {**BASICS, **environ}
    return subprocess.run(
        command, env=environ, cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Made once: an environment takes seconds. The path has a space, and two starts raced for it."""
    folder = make_checkout(tmp_path_factory.mktemp("run") / "my clinic")
    command = [sys.executable, str(folder / "run.py"), "demo"]
    pipe = subprocess.PIPE
    racers = [subprocess.Popen(command, env=BASICS, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    ends = [racer.communicate(timeout=120) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0], ends
    (folder / "race.log").write_text("".join(end[1] for end in ends))
    yield folder
    shutil.rmtree(folder)


# --- a start


def test_two_first_starts_at_once_install_once(checkout: Path) -> None:
    said = (checkout / "race.log").read_text()
    assert said.count("making the environment") == 1
    assert said.count("another start is preparing the environment; waiting for it") == 1
    assert "installing 1 packages" in said
    assert "installed in" in said


def test_a_later_start_goes_straight_to_the_command(checkout: Path, tmp_path: Path) -> None:
    done = launch(checkout, "preview", "a b", "--language=ar", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"hello|{tmp_path}|preview|a b|--language=ar\n"


def test_the_launcher_itself_takes_less_than_two_seconds(checkout: Path) -> None:
    started = time.monotonic()
    launch(checkout, "doctor")
    assert time.monotonic() - started < 2


def test_the_command_works_without_the_launcher(checkout: Path, tmp_path: Path) -> None:
    command = [str(checkout / ".venv" / "bin" / "campaigns"), "plan", "x y"]
    done = subprocess.run(command, env=BASICS, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"hello|{tmp_path}|plan|x y\n"


def test_a_folder_named_like_the_package_is_not_run(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "__main__.py").write_text("print('stranger')")
    assert launch(checkout, "demo", cwd=tmp_path).stdout.startswith("hello|")


def test_foreign_packages_stay_out(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "leaflet.py").write_text("WORD = 'stranger'")
    assert launch(checkout, "demo", PYTHONPATH=str(tmp_path)).stdout.startswith("hello|")


def test_a_changed_lock_is_installed_without_starting_over(checkout: Path) -> None:
    with (checkout / "requirements" / "runtime.txt").open("a") as lock:
        lock.write("# changed\n")
    done = launch(checkout, "demo")
    assert done.returncode == 0
    assert "installed in" in done.stderr
    assert "making the environment" not in done.stderr


def test_a_failed_install_says_why_and_what_to_do(checkout: Path) -> None:
    lock = checkout / "requirements" / "runtime.txt"
    good = lock.read_text()
    lock.write_text(good + make_wheel(checkout.parent / "wheels", "poster")[:-65] + "0" * 64 + "\n")
    done = launch(checkout, "demo")
    lock.write_text(good)
    assert done.returncode == 1
    assert "A package is not the file that was locked" in done.stderr
    assert f"The whole log: {checkout}/.venv/install.log" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupted_install_is_repaired(checkout: Path) -> None:
    site = next((checkout / ".venv" / "lib").glob("python*/site-packages"))
    # As SIGKILL leaves it: the package looks installed and is not whole.
    (checkout / ".venv" / "unfinished").touch()
    (checkout / ".venv" / "ready-runtime").unlink(missing_ok=True)
    (site / "leaflet.py").unlink()
    done = launch(checkout, "demo")
    assert done.stdout.startswith("hello|")
    assert "making the environment" in done.stderr
    assert not (checkout / ".venv" / "unfinished").exists()


# --- refusals


@pytest.mark.parametrize(
    ("version", "fits"), [((3, 6, 15), False), ((3, 10, 9), False), ((3, 11, 0), True), ((4, 0, 0), True)]
)
def test_a_python_that_is_too_old_is_told_in_one_line(version: tuple[int, int, int], fits: bool) -> None:
    words = run.too_old(version, ["demo"])
    assert (words == "") is fits
    assert "\n" not in words


def test_the_words_for_an_old_python_name_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "newer_python", lambda: "python3.12")
    assert run.too_old((3, 9, 2), ["demo", "--once"]) == (
        "Python 3.11 or newer is needed; this is 3.9.2. Try: python3.12 run.py demo --once"
    )
    monkeypatch.setattr(run, "newer_python", lambda: "")
    assert run.too_old((3, 9, 2), ["demo"]).endswith("this is 3.9.2. Install one from your system.")


def test_an_old_python_ends_with_1_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    assert run.main(["demo"]) == 1
    assert capsys.readouterr().err.startswith("Python 3.11 or newer is needed; this is 3.9.2.")


def test_an_old_python_understands_the_file() -> None:
    ast.parse((ROOT / "run.py").read_text(), feature_version=(3, 6))


def test_a_missing_venv_module_names_the_package_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "missing_parts", lambda: ["ensurepip"])
    monkeypatch.setenv("CAMPAIGNS_VENV", str(tmp_path / "environment"))
    assert run.main(["demo"]) == 1
    minor = sys.version_info[1]
    said = capsys.readouterr().err
    assert said.startswith(
        f"This Python came without ensurepip. On Debian and Ubuntu: apt install python3.{minor}-venv"
    )


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full."),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the file that was locked"),
        ("Retrying after NewConnectionError\nERROR: No matching distribution found", "Check the network"),
        ("ERROR: No matching distribution found for x", "no ready-made file for this Python"),
        ("something else", "Start again to retry."),
    ],
)
def test_every_trouble_has_words_of_its_own(tmp_path: Path, log: str, words: str) -> None:
    (tmp_path / "install.log").write_text(log)
    said = run.explain(tmp_path / "install.log")
    assert words in said
    assert log.splitlines()[-1] in said


def test_a_checkout_that_cannot_be_written_to_uses_another_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("CAMPAIGNS_VENV", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(run, "ROOT", tmp_path / "checkout")
    monkeypatch.setattr(run, "writable", lambda folder: "checkout" not in folder.parts)
    place = run.choose_place("runtime")
    assert place.parent == tmp_path / ".cache" / "campaigns"
    assert str(place) in capsys.readouterr().err
    monkeypatch.setattr(run, "writable", lambda folder: False)
    with pytest.raises(run.Trouble, match="Set CAMPAIGNS_VENV"):
        run.choose_place("runtime")


def test_ctrl_c_is_one_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(name: str) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "choose_place", interrupted)
    assert run.main(["demo"]) == 130
    assert capsys.readouterr().err.strip() == "Stopped."


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["--help"], 0), (["-h"], 0)])
def test_without_a_command_it_explains_itself(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(arguments) == code
    assert capsys.readouterr().out.startswith("usage: python3 run.py COMMAND")


def test_the_locked_sets_agree_and_name_no_host() -> None:
    runtime, test = (run.lock_file(name).read_text() for name in ("runtime", "test"))
    pins = {line.rstrip(" \\") for line in runtime.splitlines() if "==" in line}
    assert len(pins) > 20
    assert pins <= {line.rstrip(" \\") for line in test.splitlines()}
    assert "://" not in runtime + test
    assert all("--hash=sha256:" in line for line in test.splitlines() if line.startswith(" "))


def test_nothing_of_the_callers_pip_settings_moves_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    assert not {"PIP_TARGET", "PYTHONHOME"} & run.clean_environ().keys()
    assert run.clean_environ()["PATH"] == os.environ["PATH"]
