"""What patients see, held against small pictures of how it looked when somebody last looked at it.

`python -m tests.visual.update` accepts what it looks like now; look at it first, with `campaigns gallery`.
"""
