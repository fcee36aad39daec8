"""A small internet of our own: names, addresses that lead to loopback, hostile servers, a CA."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Behaviour = Callable[[socket.socket], None]


@dataclass
class Server:
    """A running server: its port on the loopback address, and the requests that came in."""

    port: int
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def hostile_server(behave: Behaviour, *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Do to each connection what `behave` does, once its request is read."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(listening.getsockname()[1])

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # shut down
                return
            # A client that goes away is what many tests are about.
            with connection, suppress(OSError):
                connection.settimeout(10)
                with _secured(connection, tls) as secured:
                    server.requests.append(_request(secured))
                    behave(secured)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        listening.close()


def _secured(connection: socket.socket, tls: ssl.SSLContext | None) -> socket.socket:
    return tls.wrap_socket(connection, server_side=True) if tls else connection


def _request(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        if not (piece := connection.recv(65536)):
            raise ConnectionError
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


class Internet:
    """Names and where addresses lead. What a name stands for is asked anew at each look-up."""

    def __init__(self) -> None:
        self.names: dict[str, Callable[[], Sequence[str]]] = {}
        self.ports: dict[str, int] = {}  # an address, and the loopback port that it leads to
        self.connected: list[tuple[str, int]] = []
        self._connect = socket.socket.connect

    def name(self, host: str, *addresses: str) -> None:
        self.names[host] = lambda: addresses

    def getaddrinfo(self, host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        """In the place of the resolver."""
        try:
            found: Sequence[str] = [str(ip_address(host))]
        except ValueError:
            if host not in self.names:
                raise socket.gaierror(socket.EAI_NONAME, "no such name") from None
            found = self.names[host]()
        return [_place(address, port) for address in found]

    def connect(self, connection: socket.socket, place: tuple[Any, ...]) -> None:
        """In the place of connecting."""
        self.connected.append(place[:2])
        if place[0] not in self.ports:
            raise ConnectionRefusedError(f"nothing is at {place[0]}")
        self._connect(connection, ("127.0.0.1", self.ports[place[0]]))


def _place(address: str, port: int) -> tuple[Any, ...]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)


@dataclass(frozen=True)
class Authority:
    """Makes certificates. Those who trust it read `file`."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def key_file(self) -> Path:
        return self.folder / "ca.key"

    def create(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _builder("Test CA", "Test CA", key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        _write(self.file, self.key_file, certificate.sign(key, hashes.SHA256()), key)

    def server(self, host: str, *, self_signed: bool = False) -> ssl.SSLContext:
        """What a server needs whose certificate is for `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        loaded = serialization.load_pem_private_key(self.key_file.read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        builder = _builder(host, host if self_signed else "Test CA", key).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
        )
        certificate = builder.sign(key if self_signed else loaded, hashes.SHA256())
        chain, key_file = self.folder / f"{host}.pem", self.folder / f"{host}.key"
        _write(chain, key_file, certificate, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key_file)
        return context


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _write(
    chain: Path, key_file: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
