"""JSON schemas of OpenAPI 3.1 in the words of 3.0."""

from typing import Any

_NULL = {"type": "null"}
_WITHOUT = {"propertyNames", "patternProperties", "contentMediaType", "contentEncoding", "$schema"}


def as_3_0(node: Any) -> Any:
    """`node`, and whatever is in it, said the older way. Lists and objects are made anew."""
    if isinstance(node, list):
        return [as_3_0(item) for item in node]
    if not isinstance(node, dict):
        return node
    older = {
        key: {name: as_3_0(schema) for name, schema in value.items()} if key == "properties" else as_3_0(value)
        for key, value in node.items()
    }
    for reword in (_nullable, _constant, _open_end, _tuple, _dropped):
        older = reword(older)
    return older


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    choices = schema.get("anyOf")
    if not isinstance(choices, list) or _NULL not in choices:
        return schema
    others = [choice for choice in choices if choice != _NULL]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(others) > 1:
        return {**rest, "anyOf": others, "nullable": True}
    # Beside $ref nothing else counts.
    said = {"allOf": others} if "$ref" in others[0] else others[0]
    return {**said, **rest, "nullable": True}


def _constant(schema: dict[str, Any]) -> dict[str, Any]:
    if "const" not in schema:
        return schema
    return {"enum": [schema["const"]], **{key: value for key, value in schema.items() if key != "const"}}


def _open_end(schema: dict[str, Any]) -> dict[str, Any]:
    for end, closed in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        value = schema.get(end)
        if isinstance(value, int | float) and not isinstance(value, bool):
            schema = {**schema, closed: value, end: True}
    return schema


def _tuple(schema: dict[str, Any]) -> dict[str, Any]:
    items = schema.get("prefixItems")
    if not isinstance(items, list):
        return schema
    different = [item for index, item in enumerate(items) if item not in items[:index]]
    rest = {key: value for key, value in schema.items() if key != "prefixItems"}
    return {**rest, "items": different[0] if len(different) == 1 else {"anyOf": different}}


def _dropped(schema: dict[str, Any]) -> dict[str, Any]:
    """3.0 has no word for these; they only narrow."""
    examples = {"examples"} if isinstance(schema.get("examples"), list) else set()
    return {key: value for key, value in schema.items() if key not in _WITHOUT | examples}
