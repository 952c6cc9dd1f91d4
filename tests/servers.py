"""A web server on this machine, for tests of downloads: it breaks off when it is told to."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["Site", "serving"]


@dataclass
class Site:
    """A server on this machine, and what it has been asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    break_after: list[int] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    knows_ranges: bool = True
    states_size: bool = True


class Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, site: Site, *arguments: object) -> None:
        self.site = site
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.site.ranges.append(wanted)
        content = self.site.files.get(self.path.strip("/"))
        if content is None:
            self.send_error(404)
            return
        start = 0
        if wanted and self.site.knows_ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_response(416)
                if self.site.states_size:
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        rest = content[start:]
        if self.site.break_after:
            rest = rest[: self.site.break_after.pop(0)]
        self.wfile.write(rest)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Site]:
    """Run a server until the end of the block."""
    site = Site()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, site))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
