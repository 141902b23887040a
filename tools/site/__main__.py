"""Build build/site/: run the lessons, lay out the pages, and check them.

python -m tools.site [--however-old] [--no-check]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time

from tools.site import check, executed, stage

SOURCES = executed.ROOT / "build" / "site-sources"
OUT = executed.ROOT / "build" / "site"


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the course's site in build/site/.")
    parser.add_argument(
        "--however-old", action="store_true", help="take lessons as last run, for work on the looks"
    )
    parser.add_argument("--no-check", action="store_true", help="do not open it in a browser")
    options = parser.parse_args()
    started = time.monotonic()
    lessons = executed.lessons()
    if not options.however_old:
        executed.run([lesson for lesson in lessons if not executed.kept(lesson)])
    found = {lesson.stem: executed.kept(lesson, however_old=True) for lesson in lessons}
    build({name: path for name, path in found.items() if path})
    print(f"built build/site/ in {time.monotonic() - started:.0f} s")
    return 0 if options.no_check else check.main(OUT)


def build(lessons: dict) -> None:
    """The pages, from executed lessons."""
    stage.stage_docs(SOURCES)
    static = SOURCES / "_static"
    stage.stage_widgets(static)
    for name, path in lessons.items():
        stage.stage(name, path, SOURCES)
    stage.stage_mathjax(static)
    shutil.rmtree(OUT, ignore_errors=True)
    options = ["-q", "-E", "-W", "--keep-going", "-b", "html", "-d", "build/site-doctrees"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(SOURCES), str(OUT)], cwd=executed.ROOT
    )
    if done.returncode:
        sys.exit("the site was not built: Sphinx said what is wrong")
    (OUT / ".nojekyll").touch()


if __name__ == "__main__":
    sys.exit(main())
