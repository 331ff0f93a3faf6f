"""The rules of the house: how the code is laid out and written. tests/test_architecture.py applies them."""
