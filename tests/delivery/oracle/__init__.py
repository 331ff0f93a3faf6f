"""Texts of ours held against an implementation that is not ours."""
