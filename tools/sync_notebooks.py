#!/usr/bin/env python3
"""Keep each lesson's two files in step: `notebooks/text/NN_name.py` and `notebooks/NN_name.ipynb`.

    tools/sync_notebooks.py                   text -> notebook (what `make notebooks` runs)
    tools/sync_notebooks.py --check           change nothing; exit 1 where they differ
    tools/sync_notebooks.py --from-notebooks  notebook -> text (after an edit of the notebook)

Nothing else pairs the two: JupyterLab opens and saves a lesson as the notebook that it is. A
notebook that was edited after its text is not overwritten.

The same text and the same old notebook always give the same bytes: a cell keeps its id as long as
it can be recognised, a new one gets the lesson's next free number, and no output is ever stored.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

import jupytext
import nbformat
from jupytext.config import JupytextConfiguration
from jupytext.metadata_filter import filter_metadata

from maml_edu import __version__

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
TEXT = NOTEBOOKS / "text"
CONFIG = JupytextConfiguration(  # what of a notebook's metadata is stored
    notebook_metadata_filter="kernelspec,-all", cell_metadata_filter="tags,nbgrader,jupyter,-all"
)
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
NOTEBOOK_METADATA = {"kernelspec": KERNEL, "language_info": {"name": "python"}}

# Every lesson's first cell, so that it also runs where it is opened alone. Colab has PyTorch; the
# clone has the records that some lessons read.
COLAB = f"""# Nothing to do here, unless you are in Google Colab: then this installs the course.
import sys

if "google.colab" in sys.modules:
    !git clone -q --depth 1 -b v{__version__} https://github.com/maml-edu/maml_edu course
    %pip install -q -e course
    sys.path.insert(0, "/content/course")"""
COLAB_METADATA = {"jupyter": {"source_hidden": True}, "tags": ["colab"]}


def lesson_names() -> list[str]:
    """Names of all lessons, from whichever of the two files there is."""
    files = [*NOTEBOOKS.glob("[0-9]*.ipynb"), *TEXT.glob("[0-9]*.py")]
    return sorted({file.stem for file in files})


def read_text(name: str) -> nbformat.NotebookNode:
    return jupytext.reads((TEXT / f"{name}.py").read_text("utf-8"), fmt="py:percent", config=CONFIG)


def read_notebook(name: str) -> nbformat.NotebookNode | None:
    path = NOTEBOOKS / f"{name}.ipynb"
    return nbformat.read(path, as_version=4) if path.exists() else None


def to_text(notebook: nbformat.NotebookNode) -> str:
    """The py:percent text of a notebook."""
    stored = nbformat.reads(to_ipynb(notebook), as_version=4)  # without traces of the old text
    text = jupytext.writes(stored, fmt="py:percent", config=CONFIG)
    return text if text.endswith("\n") else text + "\n"


def to_ipynb(notebook: nbformat.NotebookNode) -> str:
    """The stored form of a notebook: no outputs, no execution counts, only the metadata we use."""
    cells = []
    for cell in notebook.cells:
        metadata = filter_metadata(dict(cell.metadata), CONFIG.cell_metadata_filter, "")
        clean = {"cell_type": cell.cell_type, "id": cell.id, "metadata": metadata}
        if cell.cell_type == "code":
            clean |= {"execution_count": None, "outputs": []}
        cells.append(clean | {"source": cell.source})
    stored = nbformat.v4.new_notebook(cells=cells, metadata=NOTEBOOK_METADATA)
    stored.nbformat_minor = 5
    return nbformat.writes(nbformat.from_dict(stored)) + "\n"


def _key(cell: nbformat.NotebookNode) -> tuple[str, str]:
    return cell.cell_type, cell.source


def _alike(old: nbformat.NotebookNode, new: nbformat.NotebookNode) -> bool:
    return difflib.SequenceMatcher(None, old.source, new.source, autojunk=False).ratio() > 0.5


def _edited(old_cells: list, new_cells: list, block: tuple[int, int, int, int]) -> dict[int, str]:
    """Ids for the new cells of a rewritten block: from the old cells that they were made of."""
    i, i_end, j, j_end = block
    ids = {}
    for kind in ("code", "markdown", "raw"):
        old = [old_cells[m] for m in range(i, i_end) if old_cells[m].cell_type == kind]
        new = [k for k in range(j, j_end) if new_cells[k].cell_type == kind]
        if len(old) == len(new):
            ids |= {k: cell.id for k, cell in zip(new, old, strict=True)}
            continue
        for k in new:  # in order, each old cell once
            if hits := [m for m, cell in enumerate(old) if _alike(cell, new_cells[k])]:
                ids[k] = old[hits[0]].id
                old = old[hits[0] + 1 :]
    return ids


def begin_with_colab(notebook: nbformat.NotebookNode) -> None:
    """Put the cell for Google Colab first, or put right the one that is there."""
    cells = notebook.cells
    if not cells or "colab" not in cells[0].metadata.get("tags", []):
        cells.insert(0, nbformat.v4.new_code_cell())
    cells[0].source, cells[0].metadata = COLAB, nbformat.from_dict(COLAB_METADATA)


def inherit_ids(name: str, new: nbformat.NotebookNode, old: nbformat.NotebookNode | None) -> None:
    """Give `new` the ids of the cells of `old` that it still has; number the others on."""
    old_cells = list(old.cells) if old else []
    ids: dict[int, str] = {}
    matcher = difflib.SequenceMatcher(
        None, [_key(c) for c in old_cells], [_key(c) for c in new.cells], autojunk=False
    )
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag == "equal":
            ids |= {j + k: old_cells[i + k].id for k in range(i_end - i)}
        elif tag == "replace":
            ids |= _edited(old_cells, new.cells, (i, i_end, j, j_end))
    prefix = f"lesson-{name[:2]}-"
    used = [c.id for c in old_cells]
    numbers = [int(i[len(prefix) :]) for i in used if i[len(prefix) :].isdigit()]
    following = max(numbers, default=0) + 1
    for k, cell in enumerate(new.cells):
        if k not in ids:
            ids[k], following = f"{prefix}{following:03d}", following + 1
        cell.id = ids[k]


def wanted(name: str, *, from_notebooks: bool = False) -> dict[Path, str]:
    """What the two files of lesson `name` should hold, by path."""
    old = read_notebook(name)
    if from_notebooks and old is not None:
        source = old
    else:
        source = read_text(name)
        begin_with_colab(source)
        inherit_ids(name, source, old)
    return {TEXT / f"{name}.py": to_text(source), NOTEBOOKS / f"{name}.ipynb": to_ipynb(source)}


def stale(name: str, *, from_notebooks: bool = False) -> list[tuple[Path, str]]:
    """The files of lesson `name` that do not hold what they should, with what they should hold."""
    files = wanted(name, from_notebooks=from_notebooks).items()
    return [(p, s) for p, s in files if not p.exists() or p.read_text("utf-8") != s]


def is_newer(name: str) -> bool:
    """Whether the notebook was edited after its text, and so holds work that the text lacks."""
    text, path = TEXT / f"{name}.py", NOTEBOOKS / f"{name}.ipynb"
    if not (text.exists() and path.exists() and path.stat().st_mtime > text.stat().st_mtime):
        return False
    return to_text(read_notebook(name)) != text.read_text("utf-8")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Write the lessons' notebooks from their reviewed text, with stable cell ids."
    )
    parser.add_argument("lessons", nargs="*", help="names such as 02_the_inner_loop (default: all)")
    parser.add_argument("--check", action="store_true", help="only say which files are stale")
    parser.add_argument(
        "--from-notebooks", action="store_true", help="write the text from the notebooks instead"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="write notebooks that are newer than their text"
    )
    options = parser.parse_args(argv)
    known = lesson_names()
    names = [Path(lesson).stem for lesson in options.lessons] or known
    for name in names:
        if name not in known:
            parser.error(f"there is no lesson {name!r}; there are {', '.join(known) or 'none'}")
    guarded = not (options.check or options.from_notebooks or options.overwrite)
    if newer := [name for name in names if guarded and is_newer(name)]:
        print(f"Edited after their text, so not overwritten: {', '.join(newer)}")
        print("Keep the edits with --from-notebooks, or drop them with --overwrite.")
        return 1
    files = [f for name in names for f in stale(name, from_notebooks=options.from_notebooks)]
    for path, content in files:
        print(f"{'stale' if options.check else 'wrote'} {path.relative_to(ROOT)}")
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8", newline="\n")
    if options.check and files:
        print("Run `make notebooks`; where a notebook is the one to keep, --from-notebooks first.")
    return int(options.check and bool(files))


if __name__ == "__main__":
    sys.exit(main())
