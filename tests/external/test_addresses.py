"""How URLs are read, and which addresses count as public."""

from ipaddress import ip_address

import pytest

from caesar_web.external.addresses import RefusedAddress, is_public, read_address, refuse_ip

NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104  # nothing is bound to it here
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.8.8.8",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::8.8.8.8",
    "::ffff:10.0.0.1",
    "::ffff:7f00:1",
    "::ffff:8.8.8.8",
    "::ffff:0:a00:1",
    "64:ff9b::a00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001:0:a00:1::",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:a00::",
    "2002:808:808::",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
PUBLIC = ["8.8.8.8", "93.184.216.34", "172.15.0.1", "2606:2800:220:1::1", "2a00:1450::1"]


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_what_is_not_one_host_of_the_internet_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))
    with pytest.raises(RefusedAddress, match="not a public address"):
        refuse_ip(text, scheme="https")


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_one_host_of_the_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))
    refuse_ip(text, scheme="https")
    with pytest.raises(RefusedAddress, match="http is only for addresses of this machine"):
        refuse_ip(text, scheme="http")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "must begin with https"),
        ("good.example/hook", "must begin with https"),
        ("//good.example", "must begin with https"),
        ("http://good.example/", "must begin with https"),
        ("http://127.0.0.1/", "must begin with https"),
        ("file:///etc/passwd", "must begin with https"),
        ("gopher://good.example/", "must begin with https"),
        ("ftp://good.example/", "must begin with https"),
        ("javascript:alert(1)", "must begin with https"),
        ("https:", "name a host"),
        ("https:///path", "name a host"),
        ("https:good.example", "name a host"),
        ("https://:443/", "name a host"),
        ("https://user:secret@/", "name a host"),
        ("https://2130706433/", "usual form"),
        ("https://0x7f.1/", "usual form"),
        ("https://0x7f000001/", "usual form"),
        ("https://0x/", "usual form"),
        ("https://0177.0.0.1/", "usual form"),
        ("https://127.1/", "usual form"),
        ("https://127.0.0.1.1/", "usual form"),
        ("https://1.2.3.256/", "usual form"),
        ("https://good.example.8/", "usual form"),
        ("https://[fe80::1%25eth0]/", "usual form"),
        ("https://[fe80::1%eth0]/", "usual form"),
        ("https://[v1.good]/", "malformed|usual form"),
        ("https://[1.2.3.4]/", "malformed|usual form"),
        ("https://[::1/", "malformed"),
        ("https://127%2e0.0.1/", "not a host name"),
        ("https://good..example/", "not a host name"),
        ("https://.good.example/", "not a host name"),
        ("https://-good.example/", "not a host name"),
        ("https://*.example/", "not a host name"),
        ("https://good.example./", "end in a dot"),
        ("https://127.0.0.1./", "end in a dot"),
        ("https://localhost./", "end in a dot"),
        (f"https://{'a' * 64}.example/", "not a host name"),
        (f"https://{'a.' * 130}example/", "not a host name"),
        ("https://127。0。0。1/", "plain ASCII"),
        ("https://good。example/", "plain ASCII"),
        ("https://①②⑦.0.0.1/", "plain ASCII"),
        ("https://bücher.example/", "plain ASCII"),
        ("https://good.example/ü", "plain ASCII"),
        ("https://127.0.0.1\\@good.example", "backslashes"),
        ("https://good.example\\.evil.example", "backslashes"),
        ("https://good.example/\t", "control characters"),
        ("https://good\t.example/", "control characters"),
        ("https://good.example/\r\nHost: evil.example", "control characters"),
        ("\nhttps://good.example/", "control characters"),
        (" https://good.example/", "spaces"),
        ("https://good.example/\0", "control characters"),
        ("https://good.example/\x7f", "control characters"),
        ("https://good.example#@127.0.0.1/", "fragment"),
        ("https://user:sec#ret@good.example/", "fragment"),
        ("https://good.example@127.0.0.1@good.example/", "two hosts"),
        ("https://good.example:0/", "from 1 to 65535"),
        ("https://good.example:65536/", "malformed"),
        ("https://good.example:-1/", "malformed"),
        ("https://good.example:4_4_3/", "malformed"),
        ("https://user:secret/part@good.example/", "malformed"),
        (f"https://good.example/{'a' * 2048}", "longer than 2048"),
    ],
)
def test_a_url_that_readers_read_differently_is_refused(url: str, reason: str) -> None:
    with pytest.raises(RefusedAddress, match=reason) as refused:
        read_address(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://good.example", ("https://good.example", "good.example", 443, None)),
        ("HTTPS://Good.Example:/A?b=C", ("https://good.example:/A?b=C", "good.example", 443, None)),
        (
            "https://a_b.example:8443/@me",
            ("https://a_b.example:8443/@me", "a_b.example", 8443, None),
        ),
        (
            "https://xn--bcher-kva.example/",
            ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, None),
        ),
        ("https://8.8.8.8/", ("https://8.8.8.8/", "8.8.8.8", 443, None)),
        ("https://[2606:2800::1]:1/", ("https://[2606:2800::1]:1/", "2606:2800::1", 1, None)),
        (
            "https://me:p%40ss%3A@good.example/",
            ("https://good.example/", "good.example", 443, ("me", "p@ss:")),
        ),
        (
            "https://token@good.example/",
            ("https://good.example/", "good.example", 443, ("token", "")),
        ),
        ("https://@good.example/", ("https://good.example/", "good.example", 443, None)),
        (
            "https://good.example@127.0.0.1/",
            ("https://127.0.0.1/", "127.0.0.1", 443, ("good.example", "")),
        ),
    ],
)
def test_a_plain_url_is_read(url: str, read: tuple[object, ...]) -> None:
    address = read_address(url)
    assert (address.url, address.host, address.port, address.auth) == read


def test_credentials_do_not_show() -> None:
    assert "secret" not in repr(read_address("https://me:secret@good.example/"))


def test_http_may_be_allowed_for_addresses_of_this_machine() -> None:
    address = read_address("http://localhost/", http_to_loopback=True)
    assert (address.scheme, address.port) == ("http", 80)
    refuse_ip("127.0.0.1", scheme="http")
    refuse_ip("::1", scheme="http")
    with pytest.raises(RefusedAddress, match="; http is only"):
        refuse_ip("10.0.0.1", scheme="http")
    with pytest.raises(RefusedAddress, match="must begin with https"):
        read_address("ftp://localhost/", http_to_loopback=True)
