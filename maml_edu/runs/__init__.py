"""Training runs: their config, their state on disk, their checkpoints, and the command line."""
