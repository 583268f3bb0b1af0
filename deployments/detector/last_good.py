"""What served well before, so that a replica that starts while the configured model is bad has something to serve.

Kept in Ray's own key-value store for all replicas of the running cluster, on whatever node, and in a file of the
cache for the next start of the whole cluster. Either may be away: then the other one has to do.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog
from pydantic import ValidationError

from cluster.settings.models import DetectorSettings, ModelSettings
from deployments.detector.durable_file import write_whole

KEPT = 3
"""Models that are remembered, the last one first: where the last one went bad too, there is one before it."""
_KEY = "detector:last_good"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that could serve: what was configured, and the entry of the models file that it means.

    entry is None for a model that comes out of no file (a stub).
    """

    settings: DetectorSettings
    entry: ModelSettings | None = None

    def is_same_load(self, other: "Candidate") -> bool:
        """Whether the same weights run in the same way, so that only thresholds differ."""
        return (self.entry, *_load(self.settings)) == (other.entry, *_load(other.settings))

    def is_same_weights(self, other: "Candidate") -> bool:
        """Whether the weights are the same, wherever they lie and however they run."""
        if self.entry is None or other.entry is None:
            return self.settings.model == other.settings.model
        return self.entry.sha256 == other.entry.sha256


def _load(settings: DetectorSettings) -> tuple[str, str, int]:
    return settings.model, settings.runtime, settings.image_size


class KeyValues(Protocol):
    """A small store of texts. Both raise whatever the store raises when it is away."""

    def get(self, key: str) -> str | None: ...
    def put(self, key: str, value: str) -> None: ...


class RayKeyValues:
    """Ray's own (GCS): cluster-wide, and as lasting as the cluster. Nothing where no Ray runs."""

    _NAMESPACE = "safe-yolo"

    def get(self, key: str) -> str | None:
        kv = _ray_kv()
        found: bytes | None = kv._internal_kv_get(key, namespace=self._NAMESPACE) if kv else None
        return found.decode() if found else None

    def put(self, key: str, value: str) -> None:
        if kv := _ray_kv():
            kv._internal_kv_put(key, value.encode(), overwrite=True, namespace=self._NAMESPACE)


def _ray_kv() -> Any:
    from ray.experimental import internal_kv

    kv: Any = internal_kv
    return kv if kv._internal_kv_initialized() else None


class FileKeyValues:
    """Files in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> str | None:
        file = self._file(key)
        return file.read_text(encoding="utf-8") if file.exists() else None

    def put(self, key: str, value: str) -> None:
        write_whole(self._file(key), value)

    def _file(self, key: str) -> Path:
        return self._folder / f"{key.replace(':', '-')}.json"


class LastGood:
    """The models that proved themselves last, in each of `stores`; the first that answers is believed.

    Two replicas that remember at once write the same, or one of two that were both good: no lock is needed.
    """

    def __init__(self, *stores: KeyValues) -> None:
        self._stores = stores

    def remember(self, candidate: Candidate) -> None:
        """Put `candidate` first. Raises nothing: a model serves whether or not it can be remembered."""
        for store in self._stores:
            known = self._read(store)
            others = [other for other in known if not other.is_same_load(candidate)]
            wanted = [candidate, *others][:KEPT]
            if wanted != known:
                self._write(store, wanted)

    def recall(self) -> list[Candidate]:
        """The last one first; empty if none is known."""
        return next((found for store in self._stores if (found := self._read(store))), [])

    def _read(self, store: KeyValues) -> list[Candidate]:
        try:
            return list(_decoded(store.get(_KEY) or "[]"))
        except Exception as error:  # noqa: BLE001 - border to a foreign store: what it held is lost, nothing else
            log.warning("last_good_unreadable", store=type(store).__name__, reason=str(error))
            return []

    def _write(self, store: KeyValues, candidates: list[Candidate]) -> None:
        try:
            store.put(_KEY, _encoded(candidates))
        except Exception as error:  # noqa: BLE001 - border to a foreign store: the other one may take it
            log.warning("last_good_not_kept", store=type(store).__name__, reason=str(error))


def _encoded(candidates: list[Candidate]) -> str:
    return json.dumps(
        [
            {
                "settings": each.settings.model_dump(mode="json"),
                "entry": each.entry and each.entry.model_dump(mode="json"),
            }
            for each in candidates
        ]
    )


def _decoded(text: str) -> Iterator[Candidate]:
    """What another release wrote and this one does not understand is left out."""
    for each in json.loads(text):
        try:
            yield _candidate(each)
        except ValidationError as error:
            log.warning("last_good_not_understood", reason=str(error).splitlines()[0])


def _candidate(told: dict[str, Any]) -> Candidate:
    entry = told["entry"]
    return Candidate(DetectorSettings.model_validate(told["settings"]), entry and ModelSettings.model_validate(entry))
