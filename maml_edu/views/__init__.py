"""What a reader sees: traces of real networks, scenes made of them, pictures and widgets."""
