"""What the other rooms stand on: types, checks, files, and ways to save time and memory."""
