"""The two files of a lesson: same bytes each time, ids that stay, nothing lost on the way."""

from __future__ import annotations

import os
import runpy
import shutil
from pathlib import Path

import nbformat
import pytest

TEXT = """\
# %% [markdown]
# # A lesson
#
# With $\\theta$.

# %%
x = 1

# %% tags=["solution"]
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


# %% [markdown]
# The end.
"""


@pytest.fixture
def project(root, tmp_path) -> Path:
    """A copy of what pairs the lessons, with one lesson of which only the text is there."""
    for config in root.glob("*jupytext*"):
        shutil.copy(config, tmp_path)
    (tmp_path / "tools").mkdir()
    shutil.copy(root / "tools" / "sync_notebooks.py", tmp_path / "tools")
    (tmp_path / "notebooks" / "text").mkdir(parents=True)
    (tmp_path / "notebooks" / "text" / "00_one.py").write_text(TEXT, "utf-8")
    assert sync(tmp_path) == 0
    return tmp_path


def sync(project: Path, *options: str) -> int:
    """Run the copy's own script; it finds its files beside itself."""
    script = runpy.run_path(str(project / "tools" / "sync_notebooks.py"))
    return script["main"](list(options))


def notebook_file(project: Path) -> Path:
    return project / "notebooks" / "00_one.ipynb"


def ids(project: Path) -> list[str]:
    return [cell.id for cell in nbformat.read(notebook_file(project), as_version=4).cells]


def edit(project: Path, old: str, new: str) -> None:
    text = project / "notebooks" / "text" / "00_one.py"
    before = text.read_text("utf-8")
    assert old in before
    text.write_text(before.replace(old, new), "utf-8")


def test_once_written_they_agree(project):
    assert sync(project, "--check") == 0
    before = notebook_file(project).read_bytes()
    assert sync(project) == sync(project, "--from-notebooks") == 0
    assert notebook_file(project).read_bytes() == before


def test_an_edit_of_the_text_is_seen_and_carried_over(project):
    edit(project, "x = 1", "x = 123")
    assert sync(project, "--check") == 1
    assert sync(project) == 0
    assert "x = 123" in notebook_file(project).read_text("utf-8")
    assert sync(project, "--check") == 0


def test_ids_stay_through_edits_and_new_cells(project):
    before = ids(project)
    edit(project, "x = 1", "x = 12  # edited")
    edit(project, "# %%\nx", "# %% [markdown]\n# New prose.\n\n# %%\nx")
    sync(project)
    after = ids(project)
    assert [i for i in after if i in before] == before
    assert len(set(after)) == len(after) == len(before) + 1


def test_an_output_is_seen_and_stripped(project):
    notebook = nbformat.read(notebook_file(project), as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="seen")]
    notebook.cells[1].execution_count = 3
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    nbformat.write(notebook, notebook_file(project))
    assert sync(project, "--check") == 1
    assert sync(project) == 0
    stripped = notebook_file(project).read_text("utf-8")
    assert "seen" not in stripped
    assert "widget-state" not in stripped


def rewrite(project: Path, source: str) -> None:
    """Change the notebook's first code cell, as another editor does, a second after the text."""
    notebook = nbformat.read(notebook_file(project), as_version=4)
    [cell] = [cell for cell in notebook.cells if cell.source == "x = 1"]
    cell.source = source
    nbformat.write(notebook, notebook_file(project))
    later = (project / "notebooks" / "text" / "00_one.py").stat().st_mtime + 1
    os.utime(notebook_file(project), (later, later))


def test_a_notebook_edited_after_its_text_is_not_overwritten(project, capsys):
    rewrite(project, "x = 77")
    assert sync(project) == 1
    assert "00_one" in capsys.readouterr().out
    assert "x = 77" in notebook_file(project).read_text("utf-8")
    assert sync(project, "--from-notebooks") == 0
    assert "x = 77" in (project / "notebooks" / "text" / "00_one.py").read_text("utf-8")
    changed = notebook_file(project).read_text("utf-8").replace("x = 77", "x = 78")
    notebook_file(project).write_text(changed, "utf-8")
    assert sync(project, "--overwrite") == 0
    assert "x = 77" in notebook_file(project).read_text("utf-8")


def managers() -> list[type]:
    """JupyterLab's own contents manager, and the one that jupytext puts in its place."""
    from jupyter_server.services.contents.largefilemanager import LargeFileManager
    from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class

    return [LargeFileManager, build_sync_jupytext_contents_manager_class(LargeFileManager)]


@pytest.mark.parametrize("kind", managers())
def test_for_a_reader_a_lesson_is_a_notebook_and_nothing_else(project, kind):
    """What another editor wrote is opened and kept; a save adds nothing and leaves the text."""
    text = project / "notebooks" / "text" / "00_one.py"
    before = text.read_bytes()
    rewrite(project, "x = 77")
    manager = kind(root_dir=str(project))
    model = manager.get("notebooks/00_one.ipynb")
    assert "x = 77" in [cell.source for cell in model["content"].cells]
    manager.save(model, "notebooks/00_one.ipynb")
    saved = nbformat.read(notebook_file(project), as_version=4)
    assert "x = 77" in [cell.source for cell in saved.cells]
    assert "jupytext" not in saved.metadata
    assert text.read_bytes() == before
