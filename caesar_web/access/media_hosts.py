"""Where the media of subjects may come from, for pages that show them and for ourselves."""

from urllib.parse import urlsplit

from caesar_web.access import parts

ZOONIVERSE = "zooniverse.org"
MEDIA_HOSTS = (
    f"https://panoptes-uploads.{ZOONIVERSE}",
    f"https://panoptes-uploads-staging.{ZOONIVERSE}",
    f"https://*.{ZOONIVERSE}",
)


def sources() -> tuple[str, ...]:
    """As the policy of pages names them."""
    config = parts.config()
    address = urlsplit(config.panoptes_url)
    # The stand-in draws its subjects itself.
    drawn = (f"{address.scheme}://{address.netloc}",) if config.development else ()
    return (*MEDIA_HOSTS, *drawn)


def is_of_stand_in(url: str) -> bool:
    config = parts.config()
    return config.development and url.startswith(f"{config.panoptes_url}/")


def is_trusted(url: str) -> bool:
    """Whether a page may load what is there, which browsers would find as well."""
    if is_of_stand_in(url):
        return True
    try:
        address = urlsplit(url)
        host, port = address.hostname or "", address.port
    except ValueError:
        return False
    is_plain = address.scheme == "https" and port in (None, 443) and "@" not in address.netloc
    return is_plain and host.endswith(f".{ZOONIVERSE}")
