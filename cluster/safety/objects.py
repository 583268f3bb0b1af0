"""The site's own names of objects; every model maps its classes onto them."""

PERSON = "person"
FALLEN_PERSON = "fallen_person"
PROTECTIVE_EQUIPMENT = frozenset({"helmet", "vest", "mask", "gloves", "boots", "goggles"})
OBJECT_NAMES = frozenset(
    {PERSON, FALLEN_PERSON, "machinery", "vehicle", "safety_cone", "fire_extinguisher"} | PROTECTIVE_EQUIPMENT
)


def is_a(label: str, wanted: str) -> bool:
    """Whether an object called `label` counts as a `wanted` one: who lies in a zone is in it too."""
    return label == wanted or (wanted == PERSON and label == FALLEN_PERSON)


def can_find(wanted: str, knows: frozenset[str]) -> bool:
    """Whether a model that finds the labels `knows` finds a `wanted` object."""
    return any(is_a(label, wanted) for label in knows)
