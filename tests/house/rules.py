"""Each rule reads sources and returns its complaints; no complaint, no breach."""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence

from tests.house.sources import Source

FUNCTION_CAP = 60
FUNCTION_MEDIAN = 8
FUNCTION_P95 = 40
FILE_CAP = 450
TASK_STATEMENTS = 3

Function = ast.FunctionDef | ast.AsyncFunctionDef
Complaints = list[str]

NOT_PURE = frozenset(
    [
        "django",
        "celery",
        "kombu",
        "twilio",
        "redis",
        "requests",
        "psycopg",
        "os",
        "io",
        "socket",
        "subprocess",
        "pathlib",
        "shutil",
        "tempfile",
        "random",
        "secrets",
        "time",
        "threading",
        "asyncio",
        "logging",
    ]
)
NOT_PURE_CALLS = frozenset(["open", "print", "input", "exec", "eval"])
NOT_PURE_METHODS = frozenset(
    ["now", "today", "utcnow", "uuid1", "uuid4", "getenv", "urandom", "read_text", "write_text"]
)
CLOCKS = frozenset({"timezone.now", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"})
WALL_CLOCKS = frozenset(["time", "time_ns", "localtime", "gmtime", "ctime", "strftime", "asctime"])
"""What of the `time` module tells the time of day; `monotonic` and its like only measure."""
SIGNALS = ("django.db.models.signals", "django.core.signals", "django.dispatch")
VAGUE_NAMES = frozenset(["utils", "util", "helpers", "helper", "common", "misc", "shared", "base_utils"])
LEFT_OVERS = frozenset(["skip", "skipif", "xfail", "importorskip"])


# --- sizes


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from `def` to the end, the docstring counted, decorators not."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def long_functions(sources: Iterable[Source]) -> Complaints:
    """Functions over the cap."""
    return [
        f"{one.path}:{function.lineno} {function.name} has {length(function)} lines"
        for one in sources
        for function in functions(one.tree)
        if length(function) > FUNCTION_CAP
    ]


def typical_length(sources: Iterable[Source]) -> Complaints:
    """The median and the 95th percentile of all functions together."""
    lengths = sorted(length(function) for one in sources for function in functions(one.tree))
    median, p95 = statistics.median(lengths), lengths[int(len(lengths) * 0.95)]
    found = [(median, FUNCTION_MEDIAN, "median"), (p95, FUNCTION_P95, "95th percentile")]
    return [f"the {name} of all functions is {value} lines" for value, most, name in found if value > most]


def long_files(sources: Iterable[Source]) -> Complaints:
    """Files over the cap."""
    lines = ((one.path, one.text.count("\n")) for one in sources)
    return [f"{path} has {count} lines" for path, count in lines if count > FILE_CAP]


# --- imports


def imported(one: Source) -> Iterator[tuple[str, int]]:
    """Every imported name as `module` and `module.name`, with its line."""
    for node in ast.walk(one.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(one, node)
            yield base, node.lineno
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def _absolute(one: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = one.module.split(".")
    keep = len(parts) - node.level + one.path.endswith("__init__.py")
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def two_way_imports(sources: Sequence[Source]) -> Complaints:
    """Pairs of modules that import each other, wherever in the file."""
    names = {one.module for one in sources}
    edges = {
        (one.module, name)
        for one in sources
        for name, _ in imported(one)
        if name in names and name != one.module and not one.module.startswith(f"{name}.")
    }
    return sorted(f"{a} and {b} import each other" for a, b in edges if a < b and (b, a) in edges)


def impure_imports(sources: Iterable[Source]) -> Complaints:
    """What the domain must not know: frameworks, the system, the clock, chance."""
    return [
        f"{one.path}:{line} imports {name}"
        for one in sources
        for name, line in imported(one)
        if name.partition(".")[0] in NOT_PURE
    ]


def importers(sources: Iterable[Source], package: str) -> set[str]:
    """The files that import a package."""
    return {
        one.path
        for one in sources
        for name, _ in imported(one)
        if name == package or name.startswith(f"{package}.")
    }


def undeclared(sources: Iterable[Source], known: set[str]) -> Complaints:
    """Imports of packages that are neither Python's own nor asked for by name: those may vanish unasked."""
    return sorted(
        {
            f"{one.path}:{line} imports {name.partition('.')[0]}"
            for one in sources
            for name, line in imported(one)
            if name.partition(".")[0] not in known | sys.stdlib_module_names
        }
    )


def unused(sources: Iterable[Source], packages: dict[str, set[str]]) -> Complaints:
    """Packages that are asked for and whose modules nobody names, in an import or in a setting."""
    named = {word for one in sources for word in re.findall(r"\w+", one.text)}
    return sorted(package for package, modules in packages.items() if not modules & named)


def signals(sources: Iterable[Source]) -> Complaints:
    """Django's signals: work that happens where nobody looks for it."""
    return [
        f"{one.path}:{line} imports {name}"
        for one in sources
        for name, line in imported(one)
        if name.startswith(SIGNALS)
    ]


# --- calls


def calls(one: Source) -> Iterator[ast.Call]:
    """Every call of a file."""
    return (node for node in ast.walk(one.tree) if isinstance(node, ast.Call))


def impure_calls(sources: Iterable[Source]) -> Complaints:
    """Input, output, the clock and chance, called without an import."""
    return [
        f"{one.path}:{call.lineno} calls {ast.unparse(call.func)}"
        for one in sources
        for call in calls(one)
        if (isinstance(call.func, ast.Name) and call.func.id in NOT_PURE_CALLS)
        or (isinstance(call.func, ast.Attribute) and call.func.attr in NOT_PURE_METHODS)
    ]


def clocks(sources: Iterable[Source]) -> Complaints:
    """The machine's clock, read beside the one clock of queries/clock.py, or handed on to be read."""
    return [f"{one.path}:{line} reads {name}" for one in sources for name, line in _clocks(one)]


def _clocks(one: Source) -> Iterator[tuple[str, int]]:
    wall = {f"time.{name}" for name in WALL_CLOCKS}
    yield from ((name, line) for name, line in imported(one) if name in wall)
    has_time = any(name == "time" for name, _ in imported(one))
    for node in ast.walk(one.tree):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if {name, name.removeprefix("datetime.")} & CLOCKS or (has_time and name in wall):
                yield name, node.lineno


def delayed_tasks(sources: Iterable[Source]) -> Complaints:
    """Celery's ETA and countdown: brokers deliver them late, twice, or never."""
    return [
        f"{one.path}:{call.lineno} uses {keyword.arg}"
        for one in sources
        for call in calls(one)
        for keyword in call.keywords
        if keyword.arg in {"countdown", "eta"}
    ]


def left_out_tests(sources: Iterable[Source]) -> Complaints:
    """Tests that do not run prove nothing."""
    return [
        f"{one.path}:{node.lineno} {ast.unparse(node)}"
        for one in sources
        for node in ast.walk(one.tree)
        if isinstance(node, ast.Attribute) and node.attr in LEFT_OVERS and "pytest" in ast.unparse(node.value)
    ]


# --- classes and functions


def rules_in_models(sources: Iterable[Source]) -> Complaints:
    """A model that does things when it is saved or deleted."""
    return [
        f"{one.path}:{function.lineno} defines {function.name}"
        for one in sources
        for function in functions(one.tree)
        if function.name in {"save", "delete", "clean", "full_clean"}
    ]


def undocumented(sources: Iterable[Source]) -> Complaints:
    """Public modules, classes, functions and methods without a docstring; protocol stubs need none."""
    return [complaint for one in sources for complaint in _undocumented(one)]


def _undocumented(one: Source) -> Iterator[str]:
    if one.text.strip() and not ast.get_docstring(one.tree):
        yield f"{one.path} has no docstring"
    for node, name in _public(one.tree, ""):
        if not ast.get_docstring(node):
            yield f"{one.path}:{node.lineno} {name} has no docstring"


def _public(parent: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[Function | ast.ClassDef, str]]:
    for node in parent.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            if not _is_stub(node):
                yield node, prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from _public(node, f"{node.name}.")


def _is_stub(node: Function | ast.ClassDef) -> bool:
    only = node.body[0]
    return isinstance(node, Function) and isinstance(only, ast.Expr) and ast.unparse(only) == "..."


# --- Celery


def tasks(one: Source) -> dict[str, Function]:
    """The Celery tasks of a file, by their names in Celery."""
    found = {}
    for function in functions(one.tree):
        for decorator in function.decorator_list:
            if "shared_task" in ast.unparse(decorator):
                found[_task_name(decorator) or f"{one.module}.{function.name}"] = function
    return found


def _task_name(decorator: ast.expr) -> str:
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    return next((ast.literal_eval(keyword.value) for keyword in keywords if keyword.arg == "name"), "")


def idle_tasks(one: Source, scheduled: set[str], sources: Iterable[Source]) -> Complaints:
    """Tasks that neither the beat nor any code asks for. One that only asks for itself counts as idle."""
    elsewhere = [other for other in sources if other.path != one.path]
    asked = {name.rpartition(".")[2] for other in elsewhere for name, _ in imported(other)}
    asked |= {
        node.attr for other in elsewhere for node in ast.walk(other.tree) if isinstance(node, ast.Attribute)
    }
    return [
        f"{one.path}:{function.lineno} nobody asks for {name}"
        for name, function in tasks(one).items()
        if name not in scheduled and function.name not in asked
    ]


def thick_tasks(one: Source) -> Complaints:
    """Tasks that take more than ids, or do more than call one service."""
    found = []
    for name, function in tasks(one).items():
        taken = [*function.args.args, *function.args.kwonlyargs]
        kinds = {
            ast.unparse(argument.annotation) if argument.annotation else "anything" for argument in taken
        }
        if kinds - {"str", "int"} or function.args.vararg or function.args.kwarg:
            found.append(f"{one.path}:{function.lineno} {name} takes more than ids")
        statements = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
        statements -= bool(ast.get_docstring(function))
        if statements > TASK_STATEMENTS:
            found.append(f"{one.path}:{function.lineno} {name} has {statements} statements")
    return found


# --- files and texts


def vague_names(paths: Iterable[str]) -> Complaints:
    """File names that say nothing: what is in them belongs somewhere."""
    return [path for path in paths if path.rpartition("/")[2].partition(".")[0] in VAGUE_NAMES]


def matches(texts: Iterable[tuple[str, str]], pattern: str) -> Complaints:
    """Where a pattern occurs, with file and line."""
    sought = re.compile(pattern)
    return [
        f"{path}:{text.count(chr(10), 0, found.start()) + 1} {found.group()}"
        for path, text in texts
        for found in sought.finditer(text)
    ]


# In pieces, so that this file does not hold what it looks for.
UNFINISHED = r"\b(TO" + r"DO|FIX" + r"ME)\b"
MACHINE_PATHS = r"(?<![\w.])/(ro" + r"ot|wo" + r"rk|home/\w+|Users/\w+|tmp/dev|mnt)/"
REGISTRIES = (
    r"(?i)\b(py"
    + r"pi\.org|python"
    + r"hosted\.org|npm"
    + r"js\.(org|com)|arti"
    + r"factory|--index"
    + r"-url)"
)
LOCAL_TIME_IN_SQL = r"(?i)\bAT TIME " + r"ZONE\b"
