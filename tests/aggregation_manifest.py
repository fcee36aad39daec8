"""`python -m tests.aggregation_manifest`: the manifest, made anew from the installed library."""

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from caesar_web.domain.aggregation import KINDS, MANIFEST
from caesar_web.external.aggregation import load
from tests.aggregation_words import ABOUT, WORDS

KIND_OF_TYPE = {int: "int", float: "float", bool: "bool", str: "text"}
WANTED = ("user_id", "created_at", "relevant_reduction", "gold_standard")
LINE = 100
CLUSTERERS = ("DBSCAN", "HDBSCAN", "OPTICS")
# What scikit-learn names as metrics, but cannot use without more than a name.
UNUSABLE_METRICS = {"mahalanobis", "matching", "precomputed", "pyfunc", "seuclidean", "wminkowski"}
TASKS = {"task", "year", "country", "state"}  # texts that are the key of a task
# What the library compares a text with, and so takes nothing else.
CHOICES = {
    "average_type": ["median", "union", "intersection", "last"],
    "dot_freq": ["line", "word"],
    "metric_type": ["euclidean", "IoU"],
    "mode": ["binary", "one-to-one", "many-to-many"],
    "strategy": ["mean", "all"],
    "x": ["center", "left"],
}

Function = Callable[..., Any]
Made = dict[str, Any]


def main() -> None:
    """Writes the manifest."""
    MANIFEST.write_text(manifest_text(), "utf-8")


def manifest_text() -> str:
    """The manifest as it is to stand in its file."""
    library = load()
    made = {
        kind: {
            name: _function(name, function)
            for name, function in getattr(getattr(library, kind), kind).items()
        }
        for kind in KINDS
    }
    words = {name: {"help": help_, "example": example} for name, (help_, example) in WORDS.items()}
    return f"{_laid_out({'version': library.__version__, 'words': words, **made})}\n"


def _laid_out(value: Any, indent: str = "") -> str:
    """JSON in which what fits on a line is on one."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= LINE or not isinstance(value, dict | list):
        return flat
    deeper = f"{indent} "
    members = (
        [f"{json.dumps(key)}: {_laid_out(member, deeper)}" for key, member in value.items()]
        if isinstance(value, dict)
        else [_laid_out(member, deeper) for member in value]
    )
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{deeper}" + f",\n{deeper}".join(members) + f"\n{indent}{closing}"


def _function(name: str, function: Function) -> Made:
    layers = list(_layers(function))
    given = inspect.getclosurevars(layers[0]).nonlocals
    parameters = _of_extractor(layers) if "process_data" not in given else _of_reducer(layers)
    return {
        "about": ABOUT.get(name) or _about(layers[-1]),
        "wants": [what for what in WANTED if given.get(what)],
        "parameters": [_parameter(*one, layers[-1]) for one in parameters],
    }


def _layers(function: Function) -> Iterator[Function]:
    """The wrapper that reads the request, what it calls, and so on to the function itself."""
    while True:
        yield function
        inner = inspect.getclosurevars(function).nonlocals.get("func")
        if inner is None:
            return
        function = inner


def _has(layers: list[Function], wrapper: str) -> bool:
    return any(layer.__code__.co_qualname.startswith(f"{wrapper}.") for layer in layers)


Named = tuple[str, str, Any]  # name, kind, default; REQUIRED for what has none
REQUIRED = object()


def _of_extractor(layers: list[Function]) -> Iterator[Named]:
    yield "task", "text", "all"
    for name, default in _defaults(layers[-1]):
        if name not in WANTED:
            yield name, "text", default
    yield from _read_by_name(layers[-1])
    if _has(layers, "tool_wrapper"):
        yield "tools", "json", None
    if _has(layers, "subtask_wrapper"):
        yield "details", "json", None
    yield "pluck", "json", None
    yield "recursive", "bool", False
    yield "no_version", "bool", False


def _defaults(function: Function) -> Iterator[tuple[str, Any]]:
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is not parameter.empty:
            yield name, parameter.default


def _read_by_name(function: Function) -> Iterator[Named]:
    """What a function reads of its keywords: `[...]` needs it unless it asks first with `in`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=ast.Constant(value=str(name)), ops=[ast.In()], comparators=[of]):
                if ast.unparse(of) in ("kwargs", "parser.params"):
                    found[name] = None
            case ast.Subscript(value=ast.Name(id="kwargs"), slice=ast.Constant(value=str(name))):
                found.setdefault(name, REQUIRED)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="kwargs"), attr="get"),
                args=[ast.Constant(value=str(name)), ast.Constant(value=default)],
            ):
                found[name] = default
    for name, default in found.items():
        yield name, "text", default


def _of_reducer(layers: list[Function]) -> Iterator[Named]:
    given = inspect.getclosurevars(layers[0]).nonlocals
    for defaults in (given["defaults_process"], given["defaults_data"]):
        for name, told in (defaults or {}).items():
            yield name, KIND_OF_TYPE[told["type"]], REQUIRED if name == "shape" else told["default"]
    wrapper = inspect.getsource(layers[0].__code__)  # of the function itself it gives the innermost
    passed_on = re.findall(r"kwargs_details\['(\w+)'\] =", wrapper)
    for name, default in _defaults(layers[-1]):
        if name in passed_on:
            yield name, KIND_OF_TYPE.get(type(default), "json"), default
    if _has(layers, "subtask_wrapper"):
        yield "details", "json", None
    yield "no_version", "bool", False


def _parameter(name: str, kind: str, default: Any, function: Function) -> Made:
    if name not in WORDS:
        raise SystemExit(f"tests/aggregation_words.py has no words for the parameter {name}")
    choices = _choices(name, default, function) if kind == "text" else []
    is_task = kind == "text" and name in TASKS
    made: Made = {"name": name, "kind": "choice" if choices else "task" if is_task else kind}
    made |= {"required": True} if default is REQUIRED else {"default": default}
    return made | ({"choices": choices} if choices else {})


def _choices(name: str, default: Any, function: Function) -> list[str]:
    if name == "shape":
        return list(load().shape_tools.SHAPE_LUT)
    if name in CHOICES:
        return CHOICES[name]
    used = next((one for one in CLUSTERERS if one in function.__globals__), CLUSTERERS[0])
    clusterer = getattr(import_module("sklearn.cluster"), used)
    for constraint in clusterer._parameter_constraints.get(name, ()):
        if hasattr(constraint, "options"):
            return sorted({default, *constraint.options} - UNUSABLE_METRICS)
    return []


def _about(function: Function) -> str:
    """The first paragraph of a function's documentation, or of its module's where it has none."""
    own = (inspect.getdoc(function) or "").split("\n\n")[0].split("Parameters\n---")[0]
    if not own or own.startswith("See "):
        own = re.split(r"\n-+\n", inspect.getdoc(inspect.getmodule(function)) or "")[-1]
    plain = re.sub(r":\w+:`[\w.]*?(\w+)`", r"\1", own.split("\n\n")[0])
    return " ".join(plain.replace("`", "").replace("*", "").split())


if __name__ == "__main__":
    main()
