"""The load of the inbound benchmark, as a process of its own: ready-made requests at a steady rate.

Open loop: a request is due at its time whether or not earlier ones were answered, and its latency counts
from then, so a server that falls behind cannot hide it. Reads requests as JSON lines (`id`, base64 `bytes`).
Writes a JSON line for each: id, when it was sent and answered (seconds since the epoch), seconds since it was
due, status.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 30.0
"""Seconds for one answer; then the request counts as unanswered."""


@dataclass(slots=True)
class Storm:
    """Sends `requests` at `rate` a second over `connections` kept connections."""

    port: int
    rate: float
    requests: list[tuple[str, bytes]]
    results: list[tuple[str, float, float, float, int]] = field(default_factory=list)
    _next: int = 0
    _began: float = 0.0

    async def run(self, connections: int) -> None:
        """Until everything is sent and answered, or given up."""
        self._began = time.monotonic()
        await asyncio.gather(*(self._send_in_turn() for _ in range(connections)))

    async def _send_in_turn(self) -> None:
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while (mine := self._next) < len(self.requests):
            self._next += 1
            due = self._began + mine / self.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            name, content = self.requests[mine]
            sent, status = time.time(), 0
            try:
                streams = streams or await asyncio.open_connection("127.0.0.1", self.port)
                status, stays = await asyncio.wait_for(_exchange(streams, content), PATIENCE)
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                stays = False
            if streams and not stays:
                streams[1].close()
                streams = None
            self.results.append((name, sent, time.time(), time.monotonic() - due, status))
        if streams:
            streams[1].close()


async def _exchange(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], content: bytes
) -> tuple[int, bool]:
    """The status, and whether the connection stays open."""
    reader, writer = streams
    writer.write(content)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length or 0))
    return int(head[9:12]), b"connection: close" not in head


def main() -> None:
    """Run one storm, as bench/inbound.py asks for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requests", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    lines = (json.loads(line) for line in options.requests.read_text().splitlines())
    requests = [(line["id"], base64.b64decode(line["bytes"])) for line in lines]
    storm = Storm(port=options.port, rate=options.rate, requests=requests)
    asyncio.run(storm.run(options.connections))
    options.results.write_text("".join(json.dumps(result) + "\n" for result in storm.results))


if __name__ == "__main__":
    main()
