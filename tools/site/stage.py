"""Turn an executed lesson into a page's source, with widgets that run without a kernel."""

from __future__ import annotations

import html
import importlib.util
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.site.executed import ROOT

STATIC = ROOT / "maml_edu" / "views" / "widgets" / "static"
VIEW, STATE = (f"application/vnd.jupyter.widget-{kind}+json" for kind in ("view", "state"))
REPOSITORY = "maml-edu/maml_edu"
# Python knows them, the page does not need them.
UNUSED = ("_esm", "_css", "_dom_classes", "layout", "tabbable", "tooltip", "_view_count")
BUTTONS = """<nav class="run-it" aria-label="Run this lesson">
<p>You read a static page: players move, and what needs a running kernel says so. To run it:
<a href="{binder}">Binder</a> <a href="{colab}">Colab</a> <a href="{source}">source</a></p></nav>"""


def addresses(name: str) -> dict[str, str]:
    """Where lesson `name` can be run or read."""
    path = f"notebooks/{name}.ipynb"
    return {
        "binder": f"https://mybinder.org/v2/gh/{REPOSITORY}/HEAD?urlpath=lab/tree/{path}",
        "colab": f"https://colab.research.google.com/github/{REPOSITORY}/blob/main/{path}",
        "source": f"https://github.com/{REPOSITORY}/blob/main/{path}",
    }


def stage(name: str, executed: Path, sources: Path) -> None:
    """Write the page's source and, beside it, the state of its widgets."""
    notebook = nbformat.read(executed, as_version=4)
    states = notebook.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    models = {key: model for key, model in states.items() if "_esm" in model["state"]}
    shown = {key: live(**model) for key, model in models.items()}
    cells = [c for c in notebook.cells if "colab" not in c.metadata.get("tags", [])]
    for cell in cells:
        if cell.cell_type == "code":
            put_widgets(cell, models)
            if "solution" in cell.metadata.get("tags", []):
                cell.metadata["mystnb"] = {"code_prompt_show": "Show the solution"}
                cell.metadata.tags.append("hide-input")
    links = BUTTONS.format(**{k: html.escape(v) for k, v in addresses(name).items()})
    title, *rest = cells[0].source.split("\n")
    cells[0].source = "\n".join([title, "", links, "", *rest])
    page = {"modules": sorted({one["module"] for one in shown.values()}), "models": shown}
    page |= {key: addresses(name)[key] for key in ("binder", "colab")}
    state = sources / "_static" / "lessons" / f"{name}.js"
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text(f"window.mamlPage = {json.dumps(page, separators=(',', ':'))};\n", "utf-8")
    if shown:
        cells.append(nbformat.v4.new_markdown_cell(scripts(name)))
    notebook.cells = cells
    (sources / "lessons").mkdir(exist_ok=True)
    nbformat.write(notebook, sources / "lessons" / f"{name}.ipynb")


def live(state: dict, buffers: Sequence[dict] = (), **_: object) -> dict:
    """What the page needs of one widget: which module draws it, its values, and its bytes, which
    a notebook keeps apart, in base64."""
    kind = state["_anywidget_id"].rpartition(".")[2].lower()
    module = {"quiz": "quiz", "draw": "draw", "byhand": "by_hand"}.get(kind, "player")
    values = {key: value for key, value in state.items() if key not in UNUSED}
    told = {"module": module, "asks": kind in ("explorer", "draw"), "state": values}
    return told | {"bytes": {one["path"][0]: one["data"] for one in buffers}}


def put_widgets(cell: NotebookNode, models: dict) -> None:
    """A place for each widget, with the picture that stands there where no script runs."""
    kept = []
    for output in cell.outputs:
        data = output.get("data", {})
        if VIEW in data:
            model = data[VIEW]["model_id"]
            if model not in models:
                continue  # a progress bar that is done
            output["data"] = {"text/html": place(model, data)}
        kept.append(output)
    cell.outputs = kept


def place(model: str, data: dict) -> str:
    words = html.escape("".join(data.get("text/plain", "")))
    still = f"<p>{words}</p>"
    if picture := data.get("image/png"):
        still = f'<img src="data:image/png;base64,{picture.strip()}" alt="{words}">'
    return f'<div class="maml-live" data-model="{model}">{still}</div>'


def scripts(name: str) -> str:
    """The page's own scripts: classic ones, for modules do not load from a file."""
    where = ("modules.js", f"lessons/{name}.js", "live.js")
    return "\n".join(f'<script defer src="../_static/{path}"></script>' for path in where)


def stage_widgets(static: Path) -> None:
    """One copy of the widgets' code and looks for all pages."""
    static.mkdir(parents=True, exist_ok=True)
    modules = {path.stem: path.read_text("utf-8") for path in sorted(STATIC.glob("*.js"))}
    (static / "modules.js").write_text(f"window.mamlModules = {json.dumps(modules)};\n", "utf-8")
    looks = "\n".join(path.read_text("utf-8") for path in sorted(STATIC.glob("*.css")))
    (static / "widgets.css").write_text(looks, "utf-8")


def stage_docs(sources: Path) -> None:
    """The hand-written pages, in a fresh folder; the list of lessons is the README's."""
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(ROOT / "docs", sources)
    rows = [
        line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if line[:1] == "|"
    ]
    lessons = "\n".join(rows).replace("(notebooks/", "(lessons/")
    index = sources / "index.md"
    index.write_text(index.read_text("utf-8").replace("LESSONS", lessons), "utf-8")


def stage_mathjax(static: Path) -> None:
    """MathJax in one file, fonts and all, from the package that brings it."""
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    source = Path(package.origin).parent / "static" / "mathjax" / "tex-svg.js"
    (static / "mathjax").mkdir(exist_ok=True)
    shutil.copy(source, static / "mathjax" / source.name)
