"""Links to addresses that somebody else made, most of them hostile."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some

from caesar_web.web.links import link

SAFE = {
    "https://example.org": "https://example.org",
    "http://example.org:8080/a/b?c=d&e=f#g": "http://example.org:8080/a/b?c=d&e=f#g",
    "HTTPS://Example.ORG/A": "https://example.org/A",
    "https://example.org./%41": "https://example.org./%41",
    "https://127.0.0.1/": "https://127.0.0.1/",
    "https://[::0001]:80/": "https://[::1]:80/",
    "https://bücher.example/é?é": "https://xn--bcher-kva.example/%C3%A9?%C3%A9",
    "https://\u0440\u0430ypal.com/": "https://xn--ypal-43d9g.com/",  # Cyrillic letters
    "https://bank\u2044evil.example/": "https://xn--bankevil-h03d.example/",  # no slash
    "https://example\u3002org/": "https://example.org/",  # an ideographic full stop
    'https://example.org/"><script>': "https://example.org/%22%3E%3Cscript%3E",
    "https://example.org/javascript:alert(1)": "https://example.org/javascript:alert(1)",
    "https://example.org/@bank.example": "https://example.org/@bank.example",
}
UNSAFE = [
    "",
    "example.org",
    "/relative",
    "//example.org/",
    "///example.org/",
    "https:",
    "https://",
    "https:example.org",
    "https:/example.org",
    "https:///example.org",
    "https://:80/",
    "https://?example.org",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "javascript://example.org/%0aalert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    " javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "ftp://example.org/",
    "mailto:someone@example.org",
    " https://example.org/",
    "\u00a0https://example.org/",
    "https://example.org/ ",
    "https://exa mple.org/",
    "ht\ttps://example.org/",
    "https://example.org/\r\nSet-Cookie: a=b",
    "https://example.org/\x00",
    "https://bank.example@evil.example/",
    "https://bank.example:password@evil.example/",
    "https://@evil.example/",
    "https:\\\\example.org/",
    "https://bank.example\\@evil.example/",
    "https://example.org/\\evil",
    "https://example.org/\u202egpj.exe",
    "https://example.org/\u2066a\u2069",
    "https://exam\u200bple.org/",
    "https://exam\u200dple.org/",
    "https://exam\u00adple.org/",
    "https://example.org/\ufeff",
    "https://example.org/\u3164",
    "https://example.org/\ufe0f",
    "https://example.org/\U000e0041",
    "https://example.org/\ud800",
    "https://example.org/\u2028",
    "https://example.org:99999/",
    "https://example.org:port/",
    "https://bank%2eexample/",
    "https://bank.example%00.evil.example/",
    "https://<b>.example/",
    "https://\u2100.example/",  # it holds a slash when it is made ASCII
    "https://a..example/",
    "https://-a.example/",
    "https://fa\u00df.example/",
    f"https://{'a' * 64}.example/",
    "https://0x7f.1/",
    "https://2130706433/",
    "https://127.1/",
    "https://[::1/",
    "https://[v1.a]/",
    "https://[fe80::1%25eth0]/",
    "https://[example.org]/",
]
REL = "noopener noreferrer nofollow"


class Parsed(HTMLParser):
    """The elements of a piece of HTML and the text that it shows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[dict[str, str | None]] = []
        self.ends: list[str] = []
        self.shown = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "a"
        self.links.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        self.ends.append(tag)

    def handle_data(self, data: str) -> None:
        self.shown += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


@pytest.mark.parametrize(("address", "leads_to"), SAFE.items())
def test_a_link_shows_where_it_leads(address: str, leads_to: str) -> None:
    parsed = Parsed(link(address))
    assert parsed.links == [{"href": leads_to, "rel": REL}]
    assert parsed.ends == ["a"]
    assert parsed.shown == leads_to


@pytest.mark.parametrize("address", UNSAFE)
def test_everything_else_is_text(address: str) -> None:
    parsed = Parsed(link(address))
    assert (parsed.links, parsed.ends) == ([], [])
    assert parsed.shown.isprintable()
    if address.isprintable() and "\u3164" not in address and "\ufe0f" not in address:
        assert parsed.shown == address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://a.example/\u202egpj.exe", "https://a.example/[U+202E]gpj.exe"),
        ("java\tscript:a", "java[U+0009]script:a"),
        ("https://exam\u200bple.org/", "https://exam[U+200B]ple.org/"),
        ("https://example.org/\u3164", "https://example.org/[U+3164]"),
        ("https://example.org/\ufe0f", "https://example.org/[U+FE0F]"),
    ],
)
def test_what_nobody_sees_is_made_visible(address: str, shown: str) -> None:
    assert Parsed(link(address)).shown == shown


@pytest.mark.parametrize(
    ("address", "text", "shown"),
    [
        ("https://evil.example/a", "https://bank.example/", "https://bank.example/ (evil.example)"),
        ("https://evil.example:99/", "the <b>bank</b>", "the <b>bank</b> (evil.example:99)"),
        ("https://b\u00fccher.example/", "books", "books (xn--bcher-kva.example)"),
        ("https://evil.example/", "a\u202eb", "a[U+202E]b (evil.example)"),
        ("https://a.example/", "https://a.example/", "https://a.example/"),
        ("HTTPS://a.example/", "https://a.example/", "https://a.example/"),
        ("https://a.example/", "", "https://a.example/"),
        (
            "javascript:alert(1)",
            "https://bank.example",
            "https://bank.example (javascript:alert(1))",
        ),
    ],
)
def test_a_text_of_its_own_hides_nothing(address: str, text: str, shown: str) -> None:
    parsed = Parsed(link(address, text))
    assert parsed.shown == shown
    assert len(parsed.links) == (not address.startswith("javascript"))


PIECES = some.sampled_from(
    [
        *"/\\:@?#[]<>\"'&;%. \t\n\x00\u202e\u200b\u00df",
        *("https:", "HTTP:", "//", "javascript:", "a.example", "b\u00fccher.example", "[::1]"),
        *("&quot;", "&#58;", "</a>", ":80", "%0a", "<!--"),
    ]
)
ADDRESSES = some.one_of(
    some.text(), some.lists(PIECES).map("".join), some.text().map("https://a.example/".__add__)
)


@given(ADDRESSES, some.none() | ADDRESSES)
def test_whatever_comes_in_a_link_is_all_that_comes_out(address: str, text: str | None) -> None:
    parsed = Parsed(link(address, text))
    assert len(parsed.links) <= 1
    assert parsed.ends == ["a"] * len(parsed.links)
    for attributes in parsed.links:
        assert set(attributes) == {"href", "rel"}
        parts = urlsplit(attributes["href"] or "")
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert parts.username is None
        assert (attributes["href"] or "").isascii()
        assert parts.netloc in parsed.shown
