"""Measurements of speed and quality; `make bench` runs those that compare speed."""
