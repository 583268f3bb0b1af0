"""What is remembered of good models outlives the replica, and one store that is away costs nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.settings.models import DetectorSettings, ModelSettings
from deployments.detector.last_good import KEPT, Candidate, FileKeyValues, LastGood, RayKeyValues

Make = Callable[..., DetectorSettings]


class Store:
    def __init__(self, text: str | None = None) -> None:
        self.text, self.writes = text, 0

    def get(self, key: str) -> str | None:
        return self.text

    def put(self, key: str, value: str) -> None:
        self.text, self.writes = value, self.writes + 1


class Away:
    def get(self, key: str) -> str | None:
        raise ConnectionError("GCS is away")

    def put(self, key: str, value: str) -> None:
        raise ConnectionError("GCS is away")


def test_what_was_remembered_comes_back_whole(settings_for: Make, entry: ModelSettings) -> None:
    candidate = Candidate(settings_for(confidence=0.33, runtime="torch"), entry)
    LastGood(store := Store()).remember(candidate)

    assert LastGood(store).recall() == [candidate]


def test_the_last_one_comes_first_and_the_number_is_bounded(settings_for: Make) -> None:
    memory = LastGood(Store())
    for name in ("a", "b", "c", "d", "e", "d"):
        memory.remember(Candidate(settings_for(model=name)))

    assert [each.settings.model for each in memory.recall()] == ["d", "e", "c"][:KEPT]


def test_other_thresholds_take_the_place_of_the_former_ones(settings_for: Make) -> None:
    memory = LastGood(Store())
    for confidence in (0.4, 0.6):
        memory.remember(Candidate(settings_for(confidence=confidence)))

    assert [each.settings.confidence for each in memory.recall()] == [0.6]


def test_what_is_known_is_not_written_again(settings_for: Make) -> None:
    memory = LastGood(store := Store())
    for _ in range(3):
        memory.remember(Candidate(settings_for()))

    assert store.writes == 1


def test_a_store_that_is_away_is_made_up_for_by_the_other(settings_for: Make, tmp_path: Path) -> None:
    LastGood(Away(), FileKeyValues(tmp_path)).remember(Candidate(settings_for()))

    assert LastGood(Away(), FileKeyValues(tmp_path)).recall() == [Candidate(settings_for())]
    assert LastGood(Away()).recall() == []


@pytest.mark.parametrize(
    "text", ["", "half a", '{"settings": 1}', '[{"settings": {"model": ""}, "entry": null}]', "[7]"]
)
def test_what_cannot_be_understood_is_nothing(text: str) -> None:
    assert LastGood(Store(text)).recall() == []


def test_without_a_ray_nothing_is_remembered_there() -> None:
    RayKeyValues().put("key", "value")

    assert RayKeyValues().get("key") is None
