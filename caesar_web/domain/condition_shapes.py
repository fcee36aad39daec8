"""A condition as clients have always read it: an object for each node, and not the list."""

from typing import Any

from caesar_web.domain.conditions import Node

_TRANSFORMS = {"int": "to_i", "float": "to_f"}  # of two spellings, the one that clients know


def as_object(node: Node | None) -> Any:
    """The object of a node; None for a condition that cannot be read.

    Nodes that clients could not tell apart have a `type` besides.
    """
    if node is None:
        return None
    operands = [as_object(each) for each in node.operands]
    match node.operator:
        case "lookup":
            key, fallback = node.arguments
            return {"key": key, "absent_val": fallback}
        case "const":
            return {"value": node.arguments[0]}
        case "not":
            return {"type": "not", "operation": operands[0]}
        case "any" | "all":
            name = node.arguments[0]
            return {"type": node.operator, "dict_name": name, "operation": operands[0]}
        case "upcase" | "downcase" | "int" | "to_i" | "float" | "to_f":
            transform = _TRANSFORMS.get(node.operator, node.operator)
            return {"transform": transform, "operation": operands[0]}
    return {"type": node.operator, "operations": operands}
