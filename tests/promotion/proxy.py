"""A loopback proxy before a real server that counts requests, and misbehaves from one of them on.

`refuse` closes the port and every connection; `silent` takes requests and never answers; `error`
answers 500; `lost` passes one request on, and then drops its answer and closes the port;
`once` drops one answer and goes on as if nothing had been.
"""

from __future__ import annotations

import http.client
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOPS = {"connection", "transfer-encoding", "keep-alive", "content-length"}


class Proxy:
    """`seen` is what was asked so far: method and path."""

    def __init__(self, uri):
        self.behind, self.seen = urlsplit(uri).netloc, []
        self.mode, self.number = "", 0
        self.over, self._lock = threading.Event(), threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self.server.server_port}"

    def fault(self, method, path):
        """What shall happen to this request."""
        with self._lock:
            self.seen.append((method, path))
            at = len(self.seen)
        if not self.mode or at < self.number or (self.mode == "once" and at > self.number):
            return ""
        return "refuse" if self.mode == "lost" and at > self.number else self.mode

    def forward(self, handler, body):
        connection = http.client.HTTPConnection(self.behind, timeout=20)
        try:
            headers = {k: v for k, v in handler.headers.items() if k.lower() not in HOPS}
            connection.request(handler.command, handler.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _handler(proxy):
        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = proxy.fault(self.command, self.path.partition("?")[0])
                self.close_connection = True
                if fault == "silent":
                    proxy.over.wait(30)
                elif fault == "error":
                    self.reply(500, [], b"oops")
                elif fault == "refuse":
                    proxy.server.socket.close()
                else:
                    answer = proxy.forward(self, body)
                    if not fault:
                        self.reply(*answer)

            def reply(self, status, headers, content):
                self.send_response(status)
                for key, value in headers:
                    if key.lower() not in HOPS | {"date", "server"}:
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = answer

            def log_message(self, *args):
                pass

        return Handler


@contextmanager
def proxy_before(uri, mode="", number=0):
    """A running proxy that begins to misbehave at its request `number`, from 1."""
    proxy = Proxy(uri)
    proxy.mode, proxy.number = mode, number
    thread = threading.Thread(target=_serve, args=(proxy.server,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.over.set()
        proxy.server.shutdown()
        thread.join(timeout=5)
        proxy.server.server_close()


def _serve(server):
    server.timeout = 0.05
    try:
        server.serve_forever(0.05)
    except (OSError, ValueError):
        return  # `refuse` has closed the port
