"""The models of configs/models.yaml and their weights, as this process finds them on its node."""

from cluster.safety.errors import WeightsError
from cluster.settings.load import MODELS_FILE, load_models
from cluster.settings.models import ModelSettings
from deployments.detector.download import is_official_name
from deployments.detector.weights import hashed_file, resolve, sha256_of
from deployments.ingress.system_services import Verdict


class ModelFiles:
    """Reads files: for a thread. The file of models is read anew each time, as a replica does that loads one."""

    def __init__(self, models_file: str = MODELS_FILE) -> None:
        self._models_file = models_file

    def listed(self) -> list[ModelSettings]:
        """All models.

        Raises:
            ConfigError: the file is missing or wrong.
        """
        return list(load_models(self._models_file).models)

    def verify(self, name: str) -> Verdict | None:
        """Whether the weights on this node are those of the file; None if there is no such model. Fetches nothing.

        Raises:
            ConfigError: the file is missing or wrong.
        """
        entry = next((model for model in self.listed() if model.name == name), None)
        if entry is None:
            return None
        if is_official_name(entry.weights):
            return Verdict(False, "", "is fetched by the replica that loads it, and checked there")
        try:
            found = sha256_of(hashed_file(resolve(entry)))
        except WeightsError as error:
            return Verdict(False, "", str(error))
        if found != entry.sha256:
            return Verdict(False, found, f"has another sha256 than configs/models.yaml, which says {entry.sha256}")
        return Verdict(True, found)
