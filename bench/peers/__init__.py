"""What the program is held against: the plain way of doing the same work, and the least that it can cost."""
