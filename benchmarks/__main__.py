"""`make bench`."""

from __future__ import annotations

from benchmarks import bench_sine

if __name__ == "__main__":
    bench_sine.main()
