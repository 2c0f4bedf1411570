"""A server that says exactly the bytes a test wants, when it wants, and sees its peer.

    with RawServer(script) as server: … server.url …

`script(peer)` runs in a thread per connection; `peer.next_request()` reads one request,
`peer.send(…)` writes, `peer.is_closed_within(s)` tells whether the client went away.
"""

from __future__ import annotations

import contextlib
import datetime
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from providers.http.client import HttpClient
from providers.http.response import StreamingResponse
from providers.interface import StreamCall

STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED_HEAD = STREAM_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass
class Request:
    """One request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]


class Peer:
    """The server's side of one connection."""

    def __init__(self, sock: socket.socket, server: RawServer) -> None:
        self.sock = sock
        self._server = server
        self._buffer = b""

    def next_request(self) -> Request | None:
        """The next request, None when the client closed."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        line, *rows = head.decode("latin-1").split("\r\n")
        headers = {}
        for row in rows:
            name, _, value = row.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        while len(self._buffer) < length:
            if not self._more():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        request = Request(line, headers, body)
        self._server.requests.append(request)
        return request

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send_chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        """A whole answer; header names with `_` for `-`."""
        fields = {"content_type": "application/json", **headers}
        head = "".join(f"{n.replace('_', '-')}: {v}\r\n" for n, v in fields.items())
        length = f"Content-Length: {len(body)}\r\n"
        self.send(f"HTTP/1.1 {status} Said\r\n{head}{length}\r\n".encode() + body)

    def is_closed_within(self, limit_s: float) -> bool:
        """Whether the client closes its side within the limit."""
        end = time.monotonic() + limit_s
        while (left := end - time.monotonic()) > 0:
            pending = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()
            if not pending and not select.select([self.sock], [], [], left)[0]:
                return False
            try:
                if not self.sock.recv(4096):
                    return True
            except OSError:
                return True
        return False

    def reset(self) -> None:
        """Close with a TCP reset instead of a proper end."""
        self.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.sock.close()

    def _more(self) -> bool:
        try:
            data = self.sock.recv(65536)
        except OSError:
            return False
        self._buffer += data
        return bool(data)


@dataclass
class RawServer:
    """Accepts connections and runs `script` on each until the block is left."""

    script: Callable[[Peer], None]
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    errors: list[BaseException] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self._socks: list[socket.socket] = []
        self._is_open = True
        self._accepter = threading.Thread(target=self._accept, daemon=True)
        self._accepter.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._is_open = False
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._accepter.join(5)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), "a script of the test server never ended"
        if exc[0] is None and self.errors:
            raise self.errors[0]

    @property
    def url(self) -> str:
        scheme, host = ("https", "localhost") if self.tls else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self.port}"

    def _accept(self) -> None:
        while self._is_open:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
            self._socks.append(sock)
            self.script(Peer(sock, self))
        except OSError:
            pass  # the client went away, which is often the point
        except BaseException as exc:
            self.errors.append(exc)
        finally:
            with contextlib.suppress(OSError):
                sock.close()


def answering(*bodies: bytes, status: int = 200, **headers: str) -> Callable:
    """A script: the bodies in turn as whole answers, the last one for ever."""

    def script(peer: Peer) -> None:
        turn = 0
        while peer.next_request() is not None:
            peer.answer(bodies[min(turn, len(bodies) - 1)], status, **headers)
            turn += 1

    return script


def streaming(*pieces: bytes, pace_s: float = 0.0) -> Callable:
    """A script: the pieces as chunks of an event stream with a proper end."""

    def script(peer: Peer) -> None:
        while peer.next_request() is not None:
            peer.send(CHUNKED_HEAD)
            for piece in pieces:
                peer.send_chunk(piece)
                time.sleep(pace_s)
            peer.send(b"0\r\n\r\n")

    return script


def self_signed(folder: Path, host: str = "localhost") -> tuple[ssl.SSLContext, Path]:
    """A TLS context for `host`, and the file with its certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_pem = folder / "key.pem"
    key_pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key_pem)
    return context, pem


def open_stream(client: HttpClient, idle_timeout_s: float = 5.0) -> StreamingResponse:
    """The answer to some request of `client`."""
    call = StreamCall(url=f"{client.base_url}/v1/chat", body={}, decoder=None)
    return client.open_stream(call, idle_timeout_s=idle_timeout_s)
