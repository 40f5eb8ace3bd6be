"""Lesson 13 · A web API in front of a worker: what a caller needs: an address, and perhaps a token."""

import os

import httpx

token, port = os.environ.get("API_TOKEN"), os.environ.get("API_PORT") or 8000
api = httpx.Client(
    base_url=f"http://127.0.0.1:{port}",
    headers={"Authorization": f"Bearer {token}"} if token else {},
    trust_env=False,
    timeout=15,
)
