"""`campaigns bench NAME`: a benchmark beside its peers, on servers of its own. It lives in bench/."""

from __future__ import annotations

from campaigns.local import checkout


def main(words: list[str]) -> int:
    """Run it; 0 when every check of its own work held."""
    return checkout.run(lambda: int(checkout.load("bench.command", "Benchmarks run").run(words[1:])))
