"""Other programs on the same models, each in a process and if need be a Python of its own."""
