"""What effects, extractors and reducers are told of the services that they use."""

from caesar_web.domain.options import Option, service_url, text, userinfo, whole

SECRET = Option(
    "secret",
    text,
    hide=whole,
    kind="secret",
    label="Shared secret",
    help="With one, each request is signed, so that the service can tell that it is from here. Kept"
    " encrypted, and shown to nobody again.",
    example="a long text that nobody guesses",
)


def _address(help: str, example: str) -> Option:
    return Option(
        "url", service_url, hide=userinfo, kind="url", label="Address", help=help, example=example
    )


EXTRACTOR_SERVICE = (
    _address(
        "Gets each classification as JSON, and answers with the extract’s data. Without an address"
        " a program of yours writes the extracts.",
        "https://example.org/extract",
    ),
    SECRET,
)
REDUCER_SERVICE = (
    _address(
        "Gets the extracts as JSON, and answers with the reduction’s data. Without an address"
        " a program of yours pushes its reductions in.",
        "https://example.org/reduce",
    ),
    SECRET,
)
QUEUE = (
    Option(
        "queue_name",
        text,
        label="Name of the queue",
        help="Of the account and region that this server uses.",
        example="extracts-of-galaxies",
    ),
    Option(
        "queue_url",
        service_url,
        kind="url",
        label="Or its address",
        help="As SQS shows it; it counts more than the name.",
        example="https://sqs.us-east-1.amazonaws.com/123456789012/extracts-of-galaxies",
    ),
)
