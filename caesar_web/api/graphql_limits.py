"""How much a GraphQL document may ask for: far more than the queries of any client that we know."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
)

MOST_TOKENS = 2_000
DEEPEST = 16  # the usual query for the schema itself has 13
MOST_ALIASES = 20
MOST_SELECTIONS = 500  # fields and fragments, once every fragment stands where it is used
MOST_READ = 50  # fields that each read the database
READ = frozenset(
    (
        "workflow",
        "extracts",
        "reductions",
        "subject_reductions",
        "subject_actions",
        "user_reductions",
        "user_actions",
        "data_requests",
        "createDataRequest",
        "upsertExtract",
        "upsertReduction",
        "extractSubject",
    )
)


def refuse_costly(document: DocumentNode) -> None:
    """Raises GraphQLError where a document, with its fragments, asks for too much.

    To be called before anything else looks at it, as validation takes long over large documents.
    """
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    aliases = reads = 0
    for number, node in enumerate(_selections(document, fragments), start=1):
        if isinstance(node, FieldNode):
            aliases += node.alias is not None
            reads += node.name.value in READ
        _refuse_more(number, MOST_SELECTIONS, "fields")
        _refuse_more(aliases, MOST_ALIASES, "aliases")
        _refuse_more(reads, MOST_READ, "fields that read data")


def _selections(
    document: DocumentNode, fragments: dict[str, FragmentDefinitionNode]
) -> Iterator[Any]:
    """Every field and use of a fragment, those of a fragment once for each place that uses it."""
    waiting: list[tuple[Any, int, frozenset[str]]] = [
        (each, 0, frozenset())
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode)
    ]
    while waiting:
        node, depth, inside = waiting.pop()
        _refuse_more(depth, DEEPEST, "levels")
        yield node
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name in inside or name not in fragments:
                continue  # validation tells
            node, inside = fragments[name], inside | {name}
        if node.selection_set is not None:
            deeper = depth + isinstance(node, FieldNode | OperationDefinitionNode)
            waiting += [(each, deeper, inside) for each in node.selection_set.selections]


def _refuse_more(number: int, most: int, what: str) -> None:
    if number > most:
        raise GraphQLError(f"The query is too large: it may have {most} {what} at most.")
