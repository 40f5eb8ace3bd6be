"""What a client needs: an address, perhaps a token, and a way to read events."""

import json
import os
from collections.abc import Iterator

import httpx

token, port = os.environ.get("API_TOKEN"), os.environ.get("API_PORT") or 8000
api = httpx.Client(
    base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"} if token else {}, timeout=10
)


def events(path: str, after: int | None = None) -> Iterator[dict]:
    """The events at `path` with numbers over `after`, as they happen, each with its number."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    with api.stream("GET", path, headers=headers) as stream:
        stream.raise_for_status()
        told: dict = {}
        for line in stream.iter_lines():  # data: {…}, id: 3, and an empty line that ends the event
            name, _, value = line.partition(": ")
            told |= json.loads(value) if name == "data" else {"number": int(value)} if name == "id" else {}
            if told and not line:
                yield told
                told = {}
