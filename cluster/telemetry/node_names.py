"""How metrics call a node."""

from collections.abc import Mapping

HOST_LABEL = "safe-yolo/node"
"""`ray start --labels safe-yolo/node=NAME`."""


def node_name(labels: Mapping[str, str], address: str) -> str:
    """What the label `node` says: the name that the operator gave the node, or its address. Not Ray's own id of it,
    which is another one after each start."""
    return labels.get(HOST_LABEL) or address
