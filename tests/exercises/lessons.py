"""The exercises as the lessons have them: their headings, and their solutions, run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from maml_edu import exercises

TEXTS = sorted((Path(__file__).resolve().parents[2] / "notebooks" / "text").glob("[0-9]*.py"))
CHECKS = {name: getattr(exercises, name) for name in dir(exercises) if name.startswith("check_")}


def headings(text: Path) -> list[tuple[str, str, str]]:
    """Number, title and check of each exercise of a lesson, in the lesson's order."""
    pattern = r"### Exercise ([\d.]+): (.*?)\n.*?exercises\.(check_\w+)\("
    return re.findall(pattern, text.read_text("utf-8"), re.S)


def solved(text: Path) -> dict[str, tuple[list, dict]]:
    """What each solution of a lesson hands to its check: check -> arguments and named ones.

    What runs of a lesson are its imports and the functions that it defines.
    """
    source = text.read_text("utf-8")
    body = ast.parse(source).body
    space: dict = {}
    run([n for n in body if isinstance(n, ast.Import | ast.ImportFrom)], space)
    run([n for n in body if isinstance(n, ast.FunctionDef) and not defaults(n)], space)
    found = {}
    for cell in re.split(r"^# %%", source, flags=re.M):
        if not re.match(r'.*tags=\["(exercise|solution)"\]', cell):
            continue
        for statement in ast.parse(cell.partition("\n")[2]).body:
            call = getattr(statement, "value", getattr(statement, "test", None))
            if isinstance(statement, ast.FunctionDef) or isinstance(call, ast.Constant):
                run([statement], space)
            elif isinstance(call, ast.Call) and ast.unparse(call.func).startswith("exercises."):
                arguments = [eval(ast.unparse(one), space) for one in call.args]
                named = {one.arg: eval(ast.unparse(one.value), space) for one in call.keywords}
                found[call.func.attr] = arguments, named
    return found


def defaults(function: ast.FunctionDef) -> list:
    return [*function.args.defaults, *filter(None, function.args.kw_defaults)]


def run(statements: list[ast.stmt], space: dict) -> None:
    exec(compile(ast.Module(statements, []), "lesson", "exec"), space)


SOLVED = {name: given for text in TEXTS for name, given in solved(text).items()}
