"""What maintainers run; each module is a program of its own."""
