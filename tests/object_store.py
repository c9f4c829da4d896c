"""An S3 server of the tests' own on loopback (moto), which tells what the product has asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import unquote
from uuid import uuid4

import boto3
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from orchestration.ingest.bucket import Bucket

SECRET: Final = "tHiSiSaSeCrEt/0123456789+aBcDeFgHiJkLmN"
KEY_ID: Final = "AKIAOFTHETESTS000001"
TOKEN: Final = "ToKeNoFtHeSeSsIoN0123456789"


class Quiet(MotoRequestHandler):
    """Writes no log."""

    def log_request(self, *_: Any) -> None:
        pass


class ObjectStore:
    """A bucket in a server. `asked` has what obstore has asked: (method, key), the key empty for a listing."""

    def __init__(self, client: Any, url: str) -> None:
        self.client = client
        self.url = url
        self.name = ""
        self.asked: list[tuple[str, str]] = []
        self.before: Callable[[str, str], None] = lambda method, key: None

    def empty(self) -> None:
        """Another bucket from now on, without objects."""
        self.name = f"landing-{uuid4().hex}"
        self.client.create_bucket(Bucket=self.name)
        self.asked.clear()
        self.before = lambda method, key: None

    def at(self, prefix: str = "") -> Bucket:
        return Bucket("s3", self.name, prefix)

    def put(self, key: str, content: bytes = b"x") -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def upload(self, folder: Path, prefix: str) -> None:
        """All of a folder; a folder without files as consoles make one, by an object that ends in a slash."""
        for path in sorted(folder.rglob("*")):
            key = f"{prefix}/{path.relative_to(folder)}"
            if path.is_file():
                self.put(key, path.read_bytes())
            elif not any(path.iterdir()):
                self.put(f"{key}/", b"")

    @property
    def fetched(self) -> list[str]:
        """The keys of objects that were asked for, each request one."""
        return [key for method, key in self.asked if method == "GET" and key]


@contextmanager
def serve_objects() -> Iterator[ObjectStore]:
    """The server, with the environment of this process such that the product uses it."""
    moto = DomainDispatcherApplication(create_backend_app)
    held: list[ObjectStore] = []

    def application(environ: dict[str, Any], respond: Any) -> Any:
        if "object_store" in environ.get("HTTP_USER_AGENT", "") and held:
            # WSGI has the path's bytes as Latin-1.
            path = unquote(environ["PATH_INFO"].encode("latin-1").decode("utf-8"))
            asked = (environ["REQUEST_METHOD"], path.removeprefix(f"/{held[0].name}").lstrip("/"))
            held[0].asked.append(asked)
            held[0].before(*asked)
        return moto(environ, respond)

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    environment = {
        "AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN,
    }  # fmt: skip
    with patch.dict("os.environ", environment):
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
        held.append(ObjectStore(client, url))
        held[0].empty()
        yield held[0]
    server.shutdown()
    thread.join()
    server.server_close()
