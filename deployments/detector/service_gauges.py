"""Which model a replica has in service, as gauges."""

from cluster.telemetry import metrics

_DIGITS = 12


class ServiceGauges:
    """Belongs to one thread at a time."""

    def __init__(self) -> None:
        self._model: dict[str, str] | None = None

    def serves(self, name: str, digest: str) -> None:
        """This one, from now on, and no other."""
        model = {"model": name, "digest": digest[:_DIGITS]}
        if model != self._model:
            self.serves_none()
            metrics.detector_model_info.set(1, model)
        self._model = model

    def serves_none(self) -> None:
        if self._model is not None:
            metrics.detector_model_info.forget(self._model)
        self._model = None
