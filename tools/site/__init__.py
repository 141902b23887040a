"""Build the course's site: `python -m tools.site`, which is what `make site` runs."""
