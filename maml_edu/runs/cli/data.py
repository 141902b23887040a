"""`python -m maml_edu data`."""

import argparse
import warnings

DESCRIPTION = """\
Have the drawings ready that few-shot tasks are made of, and say which they are. Omniglot is fetched
once (14 MB), checked, decoded, and kept in the cache; whatever is there already is not done again.

  auto      the folder that MAML_EDU_DATA names; without it, the release; without a network, the
            stand-in: this is what the lessons run on
  release   Omniglot's release from GitHub, or an error
  stand-in  letters of a font in made-up hands, which need no network and are not Omniglot
  FOLDER    one that holds images_background.zip and images_evaluation.zip
"""
EPILOG = """\
MAML_EDU_CACHE names another cache folder than the usual one.

Examples:
  python -m maml_edu data
  python -m maml_edu data ~/omniglot
"""


def fill(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    help = "auto, release, stand-in or FOLDER (default: auto)"
    parser.add_argument("source", nargs="?", default="auto", metavar="SOURCE", help=help)
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, command: str) -> int:
    from maml_edu.runs.cli.output import say
    from maml_edu.tasks.data import cache_folder, load_drawings
    from maml_edu.tasks.omniglot import split_characters

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drawings = load_drawings(args.source, progress=not args.quiet)
    for warning in caught:
        say(f"warning: {warning.message}")
    split = split_characters(drawings.names)
    counts = ", ".join(f"{len(found)} {name}" for name, found in split.items())
    print(drawings.source)
    print(f"  {len(set(drawings.alphabets))} alphabets; characters by split: {counts}")
    print(f"  cache: {cache_folder()}")
    return 0
