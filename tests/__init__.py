"""Behaviour tests. Folders follow the floors of the package."""
